"""The course of a training: loss and accuracy by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.ticker import MaxNLocator, PercentFormatter

from deployworkbook.plots.picture import COLOURS, STYLE, Picture

if TYPE_CHECKING:
    from deployworkbook.training.fit import History


def training_curves(history: History) -> Picture:
    """Draw the loss and accuracy of each epoch, on the training and the validation set.

    Args:
        history: Result of ``deployworkbook.training.fit.fit``.
    """
    kept = history.kept_epoch
    epochs = range(1, len(history.loss) + 1)
    alt = (
        f"Two line charts over {len(epochs)} epochs. Training loss goes from "
        f"{history.loss[0]:.3f} to {history.loss[-1]:.3f}, validation loss from "
        f"{history.validation_loss[0]:.3f} to {history.validation_loss[-1]:.3f}; validation "
        f"accuracy ends at {history.validation_accuracy[-1]:.2%}. The weights of epoch {kept} "
        "were kept."
    )
    with mpl.rc_context(STYLE):
        picture = Picture(8.5, 3.4, alt=alt)
        left, right = picture.subplots(1, 2)
        left.plot(epochs, history.loss, "o--", label="training (with dropout)")
        left.plot(epochs, history.validation_loss, "o-", label="validation")
        left.set(title="Cross-entropy", xlabel="epoch", ylabel="loss (nats)")
        left.set_ylim(bottom=0)
        right.plot(epochs, history.accuracy, "o--")
        right.plot(epochs, history.validation_accuracy, "o-")
        right.set(title="Accuracy", xlabel="epoch")
        right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        for axes in (left, right):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            line = axes.axvline(kept, color=COLOURS[0], linewidth=1, linestyle=":")
        handles, labels = left.get_legend_handles_labels()
        handles, labels = [*handles, line], [*labels, "epoch that was kept"]
        picture.legend(handles, labels, loc="outside lower center", ncols=3)
    return picture
