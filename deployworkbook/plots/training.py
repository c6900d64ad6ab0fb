"""Pictures of trainings and of what comes out: curves, weights, and mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from deployworkbook.plots.picture import COLOURS, LINES, Picture, styled, styled_without_grid

if TYPE_CHECKING:
    from deployworkbook.training.fit import History


@styled
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


@styled
def loss_curves(
    losses: Mapping[str, Sequence[float]], *, window: int, step: str = "step"
) -> Picture:
    """Draw the running mean of each training's loss.

    Args:
        losses: Loss per step, by the training's name.
        window: Number of steps in the running mean; fewer if there are fewer.
        step: What a step is, such as ``"epoch"``.
    """
    parts = []
    picture = Picture(7, 3.4)
    axes = picture.subplots()
    for (name, values), style in zip(losses.items(), LINES, strict=False):
        width = min(window, len(values))
        means = np.convolve(values, np.ones(width) / width, mode="valid")
        axes.plot(np.arange(width, len(values) + 1), means, style, label=name, linewidth=2)
        parts.append(f"{name} from {means[0]:.2f} to {means[-1]:.2f}")
    title = "Loss" if window == 1 else f"Loss, mean of {window} {step}s"
    axes.set(xlabel=step, ylabel="loss (nats)", title=title)
    axes.set_ylim(bottom=0)
    axes.legend()
    picture.alt = f"{title}, by {step}: {'; '.join(parts)}."
    return picture


@styled
def work_curves(
    losses: Mapping[str, tuple[ArrayLike, ArrayLike]], *, work: str, title: str
) -> Picture:
    """Draw the loss of several trainings by the work that each has done, on a logarithmic axis.

    Args:
        losses: Work done and loss at that point, both shape ``[n]``, by the training's name.
        work: What the work is counted in, such as ``"passes over the data"``.
        title: Title, which says what the losses are.
    """
    parts = []
    picture = Picture(8, 3.8)
    axes = picture.subplots()
    for (name, (done, values)), style in zip(losses.items(), LINES, strict=False):
        amounts, heights = np.asarray(done, float), np.asarray(values, float)
        mark = "o" if len(heights) < 40 else ""
        axes.plot(amounts, heights, f"{mark}{style}", label=name, linewidth=2, markersize=5)
        parts.append(f"{name} from {heights[0]:.3g} to {heights[-1]:.3g} after {amounts[-1]:,.3g}")
    axes.set(xlabel=work, ylabel="loss", yscale="log", title=title)
    axes.set_xlim(left=0)
    picture.legend(loc="outside lower center", ncols=len(losses))
    picture.alt = f"{title}, by {work}: {'; '.join(parts)}."
    return picture


@styled
def schedule_curves(rates: Mapping[str, Sequence[float]]) -> Picture:
    """Draw learning-rate schedules by the share of the training that is done.

    Args:
        rates: Learning rate at evenly spaced steps from the first to the last, by the schedule.
    """
    parts = []
    picture = Picture(6.5, 3.0)
    axes = picture.subplots()
    for (name, values), style in zip(rates.items(), LINES, strict=False):
        axes.plot(np.linspace(0, 1, len(values)), values, style, label=name, linewidth=2)
        middle = values[len(values) // 2]
        parts.append(f"{name} {values[0]:.3g} at first, {middle:.3g} halfway, {values[-1]:.3g}")
    axes.set(xlabel="training done", ylabel="learning rate", ylim=(0, None))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    picture.legend(loc="outside right upper")
    picture.alt = f"Learning rate by the share of the training done: {'; '.join(parts)} at last."
    return picture


@styled
def weight_histograms(layers: Mapping[str, ArrayLike]) -> Picture:
    """Draw a histogram of the weights per layer.

    Args:
        layers: Weights of any shape, by the layer's name.
    """
    parts = []
    picture = Picture(4.2 * len(layers), 3.1)
    row = np.atleast_1d(picture.subplots(1, len(layers)))
    for axes, (name, values) in zip(row, layers.items(), strict=True):
        weights = np.ravel(values)
        deviation = weights.std()
        axes.hist(weights, bins=80, color=COLOURS[1])
        axes.set_yscale("log")
        axes.set(title=f"{name}: {weights.size:,} weights", xlabel="value", ylabel="count")
        axes.axvline(weights.mean(), color=COLOURS[0], linewidth=1)
        for edge in (-deviation, deviation):
            axes.axvline(weights.mean() + edge, color=COLOURS[2], linewidth=1.5, linestyle="--")
        parts.append(
            f"{name}: {weights.size:,} weights from {weights.min():.2f} to "
            f"{weights.max():.2f}, standard deviation {deviation:.3f}"
        )
    picture.alt = (
        "Histograms of weights, counts on a logarithmic scale, the mean and one standard "
        "deviation on each side marked. " + "; ".join(parts) + "."
    )
    return picture


@styled_without_grid
def confusion_picture(confusion: ArrayLike) -> Picture:
    """Draw a confusion matrix; mistakes are coloured by the logarithm of their number.

    Args:
        confusion: Counts, true classes in rows and predicted ones in columns, shape ``[k, k]``.
    """
    counts = np.asarray(confusion)
    classes = len(counts)
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    true, predicted = np.unravel_index(mistakes.argmax(), mistakes.shape)
    alt = (
        f"Confusion matrix of {counts.sum():,} images in {classes} classes: "
        f"{np.trace(counts):,} are right, {mistakes.sum():,} wrong."
    )
    if mistakes.any():
        times = mistakes[true, predicted]
        alt += f" The most frequent mistake takes {true} for {predicted}, {times} times."
    picture = Picture(6, 5.2, alt=alt)
    axes = picture.subplots()
    shown = np.ma.masked_equal(mistakes, 0)
    scale = LogNorm(1, max(10, int(mistakes.max())))
    image = axes.imshow(shown, cmap="OrRd", norm=scale)
    for row, column in np.ndindex(counts.shape):
        count = counts[row, column]
        if row == column:
            axes.text(column, row, f"{count}", ha="center", va="center", fontweight="bold")
        elif count:
            # White numbers on dark cells.
            colour = "white" if scale(float(count)) > 0.6 else "black"
            axes.text(column, row, f"{count}", ha="center", va="center", color=colour)
    axes.set(xlabel="predicted", ylabel="true", xticks=range(classes), yticks=range(classes))
    axes.set_title("Images by true and predicted class")
    axes.spines[:].set_visible(False)
    picture.colorbar(image, label="mistakes (log scale)", shrink=0.8, format="%d")
    return picture


@styled_without_grid
def labelled_images(images: ArrayLike, titles: list[str], *, columns: int = 6) -> Picture:
    """Draw small grey images in a grid, each under its title.

    Args:
        images: Images in 0 … 1, shape ``[n, height, width]``, n at least 1.
        titles: One title per image, of a line or two.
        columns: Number of images per row.
    """
    stack = np.asarray(images)
    rows = -(-len(stack) // columns)
    alt = f"{len(stack)} images: " + "; ".join(title.replace("\n", ", ") for title in titles) + "."
    picture = Picture(1.4 * columns, 1.85 * rows, alt=alt)
    grid = np.atleast_1d(picture.subplots(rows, columns)).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, image, title in zip(grid, stack, titles, strict=False):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(title, fontsize=11)
    return picture
