"""A language model of our own: a small decoder that learned Python from Python's own library.

Trained once, it is read from a cache of plain arrays; neither reading nor running it needs
TensorFlow.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from deployworkbook.formulas.transformer import check_weights, forward
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.training.code_text import SEPARATOR, CodeText, load_code_text
from deployworkbook.training.vocabulary import BYTES, Vocabulary, learn_vocabulary
from deployworkbook.validation import check_integer, check_number
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

WEIGHTS_FILE, RECORD_FILE = "weights.npz", "training.json"

# Pairs of tokens are counted in this much of each module, which is enough for the frequent ones.
VOCABULARY_BYTES = 4_000


@dataclass(frozen=True, kw_only=True)
class LanguageRecipe:
    """Everything that a language model depends on, except its text.

    Args:
        layers: Number of layers.
        width: Numbers that stand for one token between layers.
        heads: Heads of attention, a divisor of ``width``.
        vocabulary: Number of different tokens, at least the 256 bytes.
        context: Tokens that the model sees at once.
        steps: Steps of training.
        batch_size: Windows of ``context`` tokens per step.
        learning_rate: AdamW's largest η.
        module_bytes: Bytes of each module to learn from, at most.
        seed: Seed of the first weights, and of the windows' places.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is out of range, or the heads don't divide the width.
    """

    layers: int = 2
    width: int = 128
    heads: int = 4
    vocabulary: int = 1024
    context: int = 128
    steps: int = 600
    batch_size: int = 16
    learning_rate: float = 0.004
    module_bytes: int = 100_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("vocabulary", self.vocabulary, BYTES)
        check_integer("steps", self.steps, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_number("learning_rate", self.learning_rate, 0, 1, open_low=True)
        check_integer("module_bytes", self.module_bytes, 1)
        check_integer("seed", self.seed, 0, 2**32 - 1)
        _ = self.shape

    @classmethod
    def fast(cls, *, seed: int = 0) -> LanguageRecipe:
        """Return a recipe of a few seconds, whose model knows little more than frequencies.

        Args:
            seed: As of any recipe.
        """
        return cls(
            layers=1,
            width=32,
            heads=2,
            vocabulary=320,
            context=32,
            steps=60,
            batch_size=16,
            learning_rate=0.02,
            module_bytes=2_000,
            seed=seed,
        )

    @property
    def shape(self) -> TransformerShape:
        """The decoder's shape: GPT-2's family, with an output matrix of its own."""
        return TransformerShape(
            layers=self.layers,
            width=self.width,
            heads=self.heads,
            kv_heads=self.heads,
            hidden=4 * self.width,
            vocabulary=self.vocabulary,
            context=self.context,
            family="gpt2",
        )


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A trained decoder with its vocabulary.

    Args:
        shape: The decoder's sizes.
        weights: float32 arrays by the names of ``formulas.transformer_shape.weight_shapes``.
        vocabulary: Tokens and the bytes they stand for.
        source: Text that it learned from, and its licence.
        losses: Loss of each step in bits per token.
        seconds: Duration of the training, with the vocabulary's, on the machine that trained it.
        trained_at: Time of the training in UTC, as ISO 8601.
        is_new: Whether it was trained just now rather than read from the cache.
    """

    shape: TransformerShape
    weights: Mapping[str, NDArray[np.float32]]
    vocabulary: Vocabulary
    source: str
    losses: tuple[float, ...]
    seconds: float
    trained_at: str
    is_new: bool

    def __call__(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the logits of the token after each position, computed by NumPy.

        Args:
            tokens: Shape ``[batch, n]``.

        Returns:
            float32, shape ``[batch, n, vocabulary]``.
        """
        return np.asarray(forward(self.shape, self.weights, tokens).logits, np.float32)

    def with_weights(self, weights: Mapping[str, NDArray[Any]]) -> LanguageModel:
        """Return the same model with other weights, such as quantized ones.

        Args:
            weights: Arrays by name; those that are missing stay as they are.

        Raises:
            ValueError: A name is unknown, or an array has another shape.
        """
        changed = {name: np.asarray(array, np.float32) for name, array in weights.items()}
        every = {**self.weights, **changed}
        check_weights(self.shape, every)
        return replace(self, weights=every)


def language_model(
    recipe: LanguageRecipe | None = None,
    *,
    text: CodeText | None = None,
    folder: Path | None = None,
    notice: Notice = notify,
) -> LanguageModel:
    """Return the language model of a recipe: from the cache, or trained now and cached.

    The cache key covers the recipe, the text and the code of the training. Reading a trained model
    doesn't import TensorFlow.

    Args:
        recipe: Recipe of the training; by default one of about two minutes on two cores.
        text: Text to learn from; by default Python's standard library.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

    Returns:
        The model, and whether it is new.
    """
    chosen, known = recipe or LanguageRecipe(), text or load_code_text()
    code = Path(__file__).with_name("decoder_training.py").read_text(encoding="utf-8")
    settings = {
        "recipe": asdict(chosen),
        "text": known.fingerprint,
        "code": [code, inspect.getsource(_train), inspect.getsource(learn_vocabulary)],
    }

    def build(target: Path) -> None:
        _train(chosen, known, target)

    def load(source: Path) -> LanguageModel:
        return _read(chosen.shape, source)

    name = f"language-{chosen.layers}x{chosen.width}-{key_of(settings)}"
    place = (folder or current_workspace().models) / name
    model, is_new = build_once(place, build=build, load=load, notice=notice)
    return replace(model, is_new=is_new)


def _train(recipe: LanguageRecipe, text: CodeText, target: Path) -> None:
    """Train a model, and write it into an empty folder."""
    # Imported here: TensorFlow takes seconds to load, and a trained model doesn't need it.
    from deployworkbook.training.decoder_training import train_decoder

    start = time.perf_counter()
    sample = SEPARATOR.join(each[:VOCABULARY_BYTES] for each in text.train.values())
    vocabulary = learn_vocabulary(sample, recipe.vocabulary)
    learned = SEPARATOR.join(each[: recipe.module_bytes] for each in text.train.values())
    with tqdm(total=recipe.steps, unit="step", mininterval=0.2) as bar:

        def progress(bits: float) -> None:
            bar.set_postfix_str(f"{bits:.2f} bits per token", refresh=False)
            bar.update()

        weights, losses = train_decoder(
            recipe.shape,
            vocabulary.encode(learned),
            steps=recipe.steps,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            seed=recipe.seed,
            progress=progress,
        )
    record = {
        "merges": vocabulary.merges,
        "source": text.source,
        "losses": losses,
        "seconds": time.perf_counter() - start,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with (target / WEIGHTS_FILE).open("wb") as file:
        np.savez(file, **weights)  # type: ignore[arg-type]  # its stub knows no arrays by name
    (target / RECORD_FILE).write_text(json.dumps(record))


def _read(shape: TransformerShape, source: Path) -> LanguageModel:
    """Read a model from its folder; nothing in its files can run code.

    Raises:
        ValueError: A file is damaged.
    """
    record = json.loads((source / RECORD_FILE).read_text())
    try:
        with np.load(source / WEIGHTS_FILE, allow_pickle=False) as file:
            weights = {name: np.asarray(file[name], np.float32) for name in file.files}
    except BadZipFile as error:
        raise ValueError(f"{WEIGHTS_FILE} is damaged ({error})") from error
    check_weights(shape, weights)
    return LanguageModel(
        shape,
        weights,
        Vocabulary(record["merges"]),
        record["source"],
        tuple(record["losses"]),
        record["seconds"],
        record["trained_at"],
        is_new=False,
    )
