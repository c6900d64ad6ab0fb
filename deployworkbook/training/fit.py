"""Training: a recipe, a progress bar, a stop condition, and a cache that trains once."""

from __future__ import annotations

import inspect
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from tqdm.auto import tqdm

from deployworkbook.training import models
from deployworkbook.training.data import Dataset
from deployworkbook.training.keras2 import keras, set_seed, tf
from deployworkbook.training.saved import read_model, save_model
from deployworkbook.validation import check_choice, check_integer, check_number
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

# Steps that TensorFlow takes between two returns to Python, which take a small network longer than
# the steps. The steps are the same, and so are the weights that come of them.
STEPS_AT_ONCE = 32

Architecture = Literal["mlp", "cnn"]
BUILDERS: dict[Architecture, Callable[[], Any]] = {"mlp": models.mlp, "cnn": models.cnn}


@dataclass(frozen=True)
class Recipe:
    """All that a training depends on besides its data.

    Args:
        architecture: ``"mlp"`` or ``"cnn"``, as ``deployworkbook.training.models`` builds them.
        epochs: Passes over the training set, at most.
        batch_size: Images per step.
        learning_rate: Adam's η.
        patience: Epochs without a lower validation loss after which training stops.
        seed: Of the first weights, the shuffling and the dropout.

    Raises:
        TypeError: A value is of another type.
        ValueError: A value is out of range.
    """

    architecture: Architecture = "mlp"
    epochs: int = 5
    batch_size: int = 32
    learning_rate: float = 0.001
    patience: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("architecture", self.architecture, BUILDERS)
        check_integer("epochs", self.epochs, 1)
        check_integer("batch_size", self.batch_size, 1)
        check_number("learning_rate", self.learning_rate, 0, 10, open_low=True)
        check_integer("patience", self.patience, 1)
        check_integer("seed", self.seed, 0, 2**32 - 1)


@dataclass(frozen=True)
class History:
    """What each epoch of a training came to; one number an epoch.

    Args:
        loss: Mean cross-entropy while training, in nats, with dropout.
        accuracy: Share of the training images classified rightly, with dropout.
        validation_loss: Mean cross-entropy on the validation set, in nats.
        validation_accuracy: Share of the validation images classified rightly.
    """

    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]

    @property
    def kept_epoch(self) -> int:
        """The epoch, from 1, whose weights were kept: that of the lowest validation loss."""
        # A diverged epoch's loss is NaN, which is neither more nor less than any number.
        losses = [math.inf if math.isnan(loss) else loss for loss in self.validation_loss]
        return losses.index(min(losses)) + 1


@dataclass(frozen=True)
class Trained:
    """A trained model and how it came about.

    Args:
        model: The Keras model, with the weights of the best epoch.
        history: Its epochs.
        recipe: What it was trained by.
        seconds: How long the training took.
        trained_at: When, in UTC, as ISO 8601.
        is_new: Whether it was trained just now, rather than found in the cache.
    """

    model: Any
    history: History
    recipe: Recipe
    seconds: float
    trained_at: str
    is_new: bool


def fit(
    model: Any, dataset: Dataset, *, epochs: int, batch_size: int = 32, patience: int = 2
) -> History:
    """Train a compiled model until its validation loss stops falling; keep its best epoch.

    Args:
        model: A Keras model compiled with the metric ``"accuracy"``; changed in place.
        dataset: What to train on and to stop by.
        epochs: Passes over the training set, at most.
        batch_size: Images per step.
        patience: Epochs without a lower validation loss after which training stops.

    Returns:
        What each epoch came to.
    """
    stop = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=patience, restore_best_weights=True
    )
    steps = -(-len(dataset.train) // batch_size)
    with tqdm(total=epochs * steps, unit="batch", mininterval=0.2) as bar:
        record = model.fit(
            dataset.train.images,
            dataset.train.labels,
            batch_size=batch_size,
            epochs=epochs,
            validation_data=(dataset.validation.images, dataset.validation.labels),
            callbacks=[stop, _Progress(bar, epochs)],
            verbose=0,
        )
    # Keras restores the best epoch only where patience ended the training.
    model.set_weights(stop.best_weights)
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return History(*(tuple(map(float, record.history[name])) for name in names))


class _Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras 2 has no types
    """Moves a tqdm bar; tqdm's own callback for Keras imports Keras 3."""

    def __init__(self, bar: Any, epochs: int) -> None:
        super().__init__()
        self.bar = bar
        self.epochs = epochs
        self.begun = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.begun = self.bar.n
        self.bar.set_description(f"epoch {epoch + 1}/{self.epochs}", refresh=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # Several steps may lie between two calls; the last of them is named.
        self.bar.update(self.begun + batch + 1 - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        values = logs or {}
        self.bar.set_postfix_str(
            f"validation loss {values['val_loss']:.4f}, "
            f"validation accuracy {values['val_accuracy']:.2%}"
        )


def train(dataset: Dataset, recipe: Recipe) -> tuple[Any, History]:
    """Build, compile and train a model from its seed.

    Args:
        dataset: What to train on and to stop by.
        recipe: How.

    Returns:
        The model, and what each epoch came to.
    """
    set_seed(recipe.seed)
    model = BUILDERS[recipe.architecture]()
    how = {
        "optimizer": keras.optimizers.Adam(recipe.learning_rate),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
    }
    model.compile(**how, steps_per_execution=STEPS_AT_ONCE)
    history = fit(
        model,
        dataset,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        patience=recipe.patience,
    )
    # Whoever predicts with it is to have each batch when it is done.
    model.compile(**how)
    return model, history


def baseline(
    dataset: Dataset,
    recipe: Recipe | None = None,
    *,
    folder: Path | None = None,
    notice: Notice = notify,
) -> Trained:
    """Give the trained model of a recipe: from the cache, or trained now and kept there.

    The cache tells trainings apart by the recipe, the data, the versions of TensorFlow and Keras,
    and the code of this module and of ``models``. Processes that ask at once train once.

    Args:
        dataset: What to train on and to stop by.
        recipe: How; by default the MLP, five epochs.
        folder: Where trained models live; by default the workspace's ``models``.
        notice: Told when it waits for another process or finds damage.

    Returns:
        The model, its history, and whether it is new.
    """
    chosen = recipe or Recipe()
    settings = {
        "recipe": asdict(chosen),
        "data": dataset.fingerprint,
        "versions": [tf.__version__, keras.__version__],
        "code": [inspect.getsource(models), inspect.getsource(fit), inspect.getsource(train)],
    }
    models_folder = folder or current_workspace().models

    def build(target: Path) -> None:
        start = time.perf_counter()
        model, history = train(dataset, chosen)
        record = {
            "recipe": asdict(chosen),
            "dataset": dataset.name,
            "history": asdict(history),
            "seconds": time.perf_counter() - start,
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        save_model(model, target / "model.keras")
        (target / "training.json").write_text(json.dumps(record, indent=1))

    def load(source: Path) -> tuple[Any, dict[str, Any]]:
        record = json.loads((source / "training.json").read_text())
        model = read_model(source / "model.keras")
        adam = keras.optimizers.Adam(chosen.learning_rate)
        model.compile(adam, "sparse_categorical_crossentropy", ["accuracy"])
        return model, record

    name = f"{chosen.architecture}-{dataset.name}-{key_of(settings)}"
    (model, record), is_new = build_once(
        models_folder / name, build=build, load=load, notice=notice
    )
    history = History(*(tuple(record["history"][field]) for field in History.__annotations__))
    return Trained(model, history, chosen, record["seconds"], record["trained_at"], is_new)
