"""Choosing among exported forms: the smallest one that is accurate enough."""

import numpy as np
import pytest

from deployworkbook.runtimes import choosing
from deployworkbook.runtimes.choosing import smallest_form
from deployworkbook.runtimes.exporting import write_artifact
from deployworkbook.training.data import Split
from deployworkbook.training.variant import Variant

# By variant: random bytes, which no zip makes smaller, and how many of ten images it gets right.
FORMS = {"small": (100, 7), "middle": (300, 9), "large": (900, 10)}
IMAGES = Split(np.zeros((10, 28, 28), np.float32), np.zeros(10, np.int64))


class Platform:
    """A runtime whose predictors know how often they are right."""

    def __init__(self):
        self.loaded = []

    def load(self, artifact):
        self.loaded.append(artifact.variant)
        right = FORMS[artifact.variant][1]
        classes = np.arange(10) >= right
        return lambda images: np.eye(2, dtype=np.float32)[classes[: len(images)].astype(int)]


@pytest.fixture
def platform(monkeypatch):
    made = Platform()
    monkeypatch.setattr(choosing, "runtime_named", lambda name: made)
    return made


@pytest.fixture
def folder(tmp_path):
    draw = np.random.default_rng(0)
    for name, (size, _) in FORMS.items():
        content = draw.bytes(size)
        write_artifact(
            Variant(name, onnx=b"none"),
            tmp_path,
            runtime="litert",
            write=lambda to, content=content: (to / "w").write_bytes(content),
        )
    return tmp_path


@pytest.mark.parametrize(
    ("share", "chosen"), [(0.0, "small"), (0.7, "small"), (0.71, "middle"), (0.95, "large")]
)
def test_the_smallest_that_is_accurate_enough(platform, folder, share, chosen):
    found = smallest_form(folder, FORMS, IMAGES, accuracy_share=share)
    assert (found.variant, found.runtime) == (chosen, "litert")
    assert found.path == folder / f"{chosen}.litert"


def test_larger_ones_are_not_loaded(platform, folder):
    smallest_form(folder, FORMS, IMAGES, accuracy_share=0.8)
    assert platform.loaded == ["small", "middle"]


@pytest.mark.parametrize("names", [[], ["small"], ["never exported"]])
def test_none_where_none_is_accurate_enough_or_exported(platform, folder, names):
    assert smallest_form(folder, names, IMAGES, accuracy_share=0.8) is None


def test_a_percentage_is_refused(folder):
    with pytest.raises(ValueError, match="accuracy_share"):
        smallest_form(folder, FORMS, IMAGES, accuracy_share=97)
