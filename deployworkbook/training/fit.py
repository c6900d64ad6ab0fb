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

from deployworkbook.ledger.machine import this_machine
from deployworkbook.training import loops, models
from deployworkbook.training.data import Dataset
from deployworkbook.training.keras2 import keras, set_seed, tf
from deployworkbook.training.saved import read_model, save_model
from deployworkbook.validation import check_choice, check_integer, check_number
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

# Steps that TensorFlow takes per return to Python, which takes longer than a small network's step.
# The steps stay the same, and so do the resulting weights.
STEPS_AT_ONCE = 32

Architecture = Literal["mlp", "cnn"]
BUILDERS: dict[Architecture, Callable[[], Any]] = {"mlp": models.mlp, "cnn": models.cnn}


@dataclass(frozen=True)
class Recipe:
    """Everything that a training run depends on, except its data.

    Args:
        architecture: ``"mlp"`` or ``"cnn"``, as ``deployworkbook.training.models`` builds them.
        epochs: Maximum number of passes over the training set.
        batch_size: Images per step.
        learning_rate: Adam's η.
        patience: Number of epochs without a lower validation loss after which training stops.
        seed: Seed of the initial weights, the shuffling and the dropout.

    Raises:
        TypeError: A value has the wrong type.
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
    """Losses and accuracies of a training run, one number per epoch.

    Args:
        loss: Mean cross-entropy while training, in nats, with dropout.
        accuracy: Fraction of the training images classified correctly, with dropout.
        validation_loss: Mean cross-entropy on the validation set, in nats.
        validation_accuracy: Fraction of the validation images classified correctly.
    """

    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]

    @property
    def kept_epoch(self) -> int:
        """The epoch, from 1, whose weights were kept: the one with the lowest validation loss."""
        # A diverged epoch's loss is NaN, which compares as neither less nor more.
        losses = [math.inf if math.isnan(loss) else loss for loss in self.validation_loss]
        return losses.index(min(losses)) + 1


@dataclass(frozen=True)
class Trained:
    """A trained model and its training.

    Args:
        model: The Keras model, with the weights of the best epoch.
        history: Losses and accuracies per epoch.
        recipe: Recipe of the training.
        seconds: Duration of the training, on the machine that trained it.
        trained_at: Time of the training in UTC, as ISO 8601.
        machine: The machine that trained it; another one if somebody shared the model.
        is_new: Whether it was trained just now rather than read from the cache.
    """

    model: Any
    history: History
    recipe: Recipe
    seconds: float
    trained_at: str
    machine: str
    is_new: bool


def fit(
    model: Any, dataset: Dataset, *, epochs: int, batch_size: int = 32, patience: int = 2
) -> History:
    """Train a compiled model until its validation loss stops falling; keep its best epoch.

    Args:
        model: A Keras model compiled with the metric ``"accuracy"``; changed in place.
        dataset: Its training set is learned from, its validation set decides when to stop.
        epochs: Maximum number of passes over the training set.
        batch_size: Images per step.
        patience: Number of epochs without a lower validation loss after which training stops.

    Returns:
        Losses and accuracies per epoch.
    """
    stop = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=patience, restore_best_weights=True
    )
    steps = -(-len(dataset.train) // batch_size)
    loops.prepare_fit(model, dataset.train)
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
    # Keras restores the best epoch only if patience ended the training.
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
        # One call may cover several steps; ``batch`` is the last of them.
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
        dataset: Its training set is learned from, its validation set decides when to stop.
        recipe: How.

    Returns:
        The model, and its losses and accuracies per epoch.
    """
    set_seed(recipe.seed)
    model = BUILDERS[recipe.architecture]()
    how = {"optimizer": keras.optimizers.Adam(recipe.learning_rate), "metrics": ["accuracy"]}
    model.compile(**how, loss=loops.crossentropy, steps_per_execution=STEPS_AT_ONCE)
    history = fit(
        model,
        dataset,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        patience=recipe.patience,
    )
    # For predictions, return to Python after each batch.
    model.compile(**how, loss="sparse_categorical_crossentropy")
    return model, history


def baseline(
    dataset: Dataset,
    recipe: Recipe | None = None,
    *,
    folder: Path | None = None,
    notice: Notice = notify,
) -> Trained:
    """Return the trained model of a recipe: from the cache, or trained now and cached.

    The cache key covers the recipe, the data, the versions of TensorFlow and Keras, and the code of
    this module and of ``models``. If several processes ask at once, only one of them trains.

    Args:
        dataset: Its training set is learned from, its validation set decides when to stop.
        recipe: Recipe of the training; by default the MLP, five epochs.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

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
            "machine": str(this_machine()),
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
    return Trained(
        model=model,
        history=history,
        recipe=chosen,
        seconds=record["seconds"],
        trained_at=record["trained_at"],
        machine=record.get("machine", "a machine that was not recorded"),
        is_new=is_new,
    )
