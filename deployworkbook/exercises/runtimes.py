"""The exercises of lesson 09: overhead, operations and bytes, the roofline, parity."""

from __future__ import annotations

import math

import numpy as np

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Overhead, time per image, and deadline, in one unit; binary fractions, so division is exact.
DEADLINES = ((6.0, 2.0, 21.0), (0.5, 0.25, 0.25), (1.0, 0.125, 2.0))

# Operations and bytes per image, bytes of weights, and what a machine does per second.
MACHINES = (
    (1000.0, 10.0, 93.0, 1000.0, 20.0),
    (600.0, 4.0, 110.0, 200.0, 8.0),
    (1000.0, 40.0, 90.0, 1000.0, 20.0),
)

# Sizes and times that aren't on a line, so that each way of fitting gives another one.
BATCHES = (
    (np.array([1.0, 10.0, 100.0]), np.array([8.0, 30.0, 200.0])),
    (np.array([1.0, 2.0, 50.0, 400.0]), np.array([5.0, 7.0, 40.0, 330.0])),
)

ANSWERS = (
    (
        np.array([[0.75, 0.25], [0.5, 0.25], [0.125, 0.875]]),
        np.array([[0.25, 0.75], [0.5, 0.25], [0.25, 0.75]]),
    ),
    (
        np.array([[0.75, 0.125, 0.125], [0.25, 0.5, 0.25], [0.0, 0.5, 0.5]]),
        np.array([[0.5, 0.375, 0.125], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25]]),
    ),
)


def _largest_batch(overhead: float, per_image: float, deadline: float) -> int:
    return max(0, math.floor((deadline - overhead) / per_image))


def _gained_per_image(
    operations: float, moved: float, operations_per_s: float, bytes_per_s: float
) -> float:
    """Seconds by which arithmetic catches up on memory with each image of a batch."""
    return operations / operations_per_s - moved / bytes_per_s


def _turning_point(
    operations: float, moved: float, weights: float, operations_per_s: float, bytes_per_s: float
) -> float:
    gained = _gained_per_image(operations, moved, operations_per_s, bytes_per_s)
    if gained <= 0:
        return math.inf
    return math.ceil(weights / bytes_per_s / gained)


def _without_images(
    operations: float, moved: float, weights: float, operations_per_s: float, bytes_per_s: float
) -> float:
    return math.ceil(weights / bytes_per_s / (operations / operations_per_s))


def _negative(
    operations: float, moved: float, weights: float, operations_per_s: float, bytes_per_s: float
) -> float:
    gained = _gained_per_image(operations, moved, operations_per_s, bytes_per_s)
    return math.ceil(weights / bytes_per_s / gained)


def _broken(
    operations: float, moved: float, weights: float, operations_per_s: float, bytes_per_s: float
) -> float:
    gained = _gained_per_image(operations, moved, operations_per_s, bytes_per_s)
    return weights / bytes_per_s / gained if gained > 0 else math.inf


def _rounded_down(
    operations: float, moved: float, weights: float, operations_per_s: float, bytes_per_s: float
) -> float:
    exact = _broken(operations, moved, weights, operations_per_s, bytes_per_s)
    return math.floor(exact) if math.isfinite(exact) else exact


def _fit(sizes: np.ndarray, times: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Solve the normal equations for a and b, with these weights of the squared errors."""
    one, n, nn = weights.sum(), (weights * sizes).sum(), (weights * sizes**2).sum()
    t, nt = (weights * times).sum(), (weights * sizes * times).sum()
    solution: np.ndarray = np.array([t * nn - nt * n, nt * one - t * n]) / (one * nn - n * n)
    return solution


def _line(sizes: np.ndarray, times: np.ndarray) -> np.ndarray:
    return _fit(sizes, times, times**-2.0)


def _parity(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    agreeing = (reference.argmax(axis=1) == other.argmax(axis=1)).sum()
    return np.array([agreeing, np.abs(reference - other).max()])


EXERCISES = (
    Exercise(
        id="runtimes.operations",
        expected="a whole number of operations",
        reference=2 * (784 * 128 + 128 * 10),
        relative_tolerance=1e-9,
        hints=(
            "Each weight of the matrices is multiplied once, and the product is added once.",
            "The first matrix has 784 · 128 weights, the second one 128 · 10.",
            "2 * (784 * 128 + 128 * 10)",
        ),
        mistakes=(
            Mistake(
                784 * 128 + 128 * 10,
                "Those are the multiplications. Each product is also added to a sum.",
            ),
            Mistake(
                784 * 128 + 128 + 128 * 10 + 10,
                "That is the number of weights. Count the operations on them.",
            ),
            Mistake(
                2 * 784 * 128 * 10,
                "The layers run one after the other, so add their operations.",
            ),
            Mistake(2 * 784 * 128, "The second layer is missing."),
        ),
    ),
    Exercise(
        id="runtimes.line",
        expected="a function of sizes and times (arrays) that returns a and b",
        reference=_line,
        cases=BATCHES,
        relative_tolerance=1e-4,
        hints=(
            "The relative error of a size is (a + b n - t) / t: its square has the weight 1 / t².",
            "Solve the two equations above; or divide by t, and let np.linalg.lstsq find a and b.",
            "np.linalg.lstsq(np.stack([1 / times, sizes / times], 1), np.ones(len(times)))[0]",
        ),
        mistakes=(
            Mistake(
                lambda sizes, times: _fit(sizes, times, np.ones(len(sizes))),
                "You minimise absolute errors, so the largest batch dominates. Divide each by its "
                "t.",
            ),
            Mistake(
                lambda sizes, times: _fit(sizes, times, 1 / times),
                "Your weights are 1 / t. The error is divided by t before it is squared.",
            ),
            Mistake(
                lambda sizes, times: _line(sizes, times)[::-1],
                "The numbers are right, but in the wrong order: a first, then b.",
            ),
            Mistake(
                lambda sizes, times: _fit(sizes, times, times**-4.0),
                "Your weights are 1 / t⁴: polyfit squares its w itself, so give it 1 / t.",
            ),
        ),
    ),
    Exercise(
        id="runtimes.deadline",
        expected="a function of overhead, per_image and deadline that returns a number of images",
        reference=_largest_batch,
        cases=DEADLINES,
        hints=(
            "Solve overhead + per_image · n ≤ deadline for n.",
            "The number of images is whole, and never below 0.",
            "max(0, math.floor((deadline - overhead) / per_image))",
        ),
        mistakes=(
            Mistake(
                lambda overhead, per_image, deadline: math.floor(deadline / per_image),
                "The call itself takes time, before any image.",
            ),
            Mistake(
                lambda overhead, per_image, deadline: (deadline - overhead) / per_image,
                "The number of images must be whole, and at least 0.",
            ),
            Mistake(
                lambda overhead, per_image, deadline: math.floor((deadline - overhead) / per_image),
                "If the overhead alone is too long, no image is done in time: the answer is 0.",
            ),
            Mistake(
                lambda overhead, per_image, deadline: max(
                    0, math.ceil((deadline - overhead) / per_image)
                ),
                "If you round up, the last image is late.",
            ),
        ),
    ),
    Exercise(
        id="runtimes.turning_point",
        expected="a function of work and speeds, as its arguments are named, that returns a whole "
        "number of images, or math.inf",
        reference=_turning_point,
        cases=MACHINES,
        hints=(
            "For a batch of n, write down both times: operations · n / operations_per_s, and "
            "(weights + moved · n) / bytes_per_s.",
            "Set the first at least as long as the second, and solve for n. Look at the sign of "
            "what you divide by.",
            "gained = operations / operations_per_s - moved / bytes_per_s; if gained > 0, "
            "math.ceil(weights / bytes_per_s / gained)",
        ),
        mistakes=(
            Mistake(
                _without_images,
                "Each image has to be read as well, not only the weights.",
            ),
            Mistake(
                _negative,
                "If an image takes longer to read than to compute, no batch is large enough: "
                "return math.inf.",
            ),
            Mistake(_broken, "A batch has a whole number of images: round up."),
            Mistake(
                _rounded_down,
                "With the batch rounded down, memory still takes longer. Round up.",
            ),
        ),
    ),
    Exercise(
        id="runtimes.parity",
        expected="a function of two arrays that returns a count and the largest difference",
        reference=_parity,
        cases=ANSWERS,
        hints=(
            "An image's class is the position of the largest value in its row.",
            "argmax(axis=1) of both, compared and summed; and the largest absolute difference.",
            "[(reference.argmax(1) == other.argmax(1)).sum(), abs(reference - other).max()]",
        ),
        mistakes=(
            Mistake(
                lambda reference, other: [
                    (reference.argmax(axis=1) == other.argmax(axis=1)).mean(),
                    np.abs(reference - other).max(),
                ],
                "The first is a share of the images. The question asks how many.",
            ),
            Mistake(
                lambda reference, other: [
                    (reference.argmax(axis=1) == other.argmax(axis=1)).sum(),
                    np.abs(reference - other).mean(),
                ],
                "The mean hides the one image that differs. Take the largest difference.",
            ),
            Mistake(
                lambda reference, other: [
                    (reference.argmax(axis=1) == other.argmax(axis=1)).sum(),
                    (reference - other).max(),
                ],
                "Negative differences count too: take the absolute value.",
            ),
            Mistake(
                lambda reference, other: [
                    (reference == other).all(axis=1).sum(),
                    np.abs(reference - other).max(),
                ],
                "You count rows in which every number is equal. Only the class must agree.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="runtimes.arithmetic",
        question="model.predict takes milliseconds for one image, often tens of them. How much of "
        "that is spent on multiplying and adding?",
        choices=("more than half", "about a tenth", "less than a hundredth"),
        answer="less than a hundredth",
        reason="A processor does the 203,264 operations in a few microseconds. The rest is spent "
        "on preparing for a large data set, again at each call.",
    ),
    GuessQuestion(
        id="runtimes.batch",
        question="With 1,024 images in a batch, how much faster than model.predict is LiteRT?",
        choices=("still thousands of times", "ten to a hundred times", "not at all"),
        answer="ten to a hundred times",
        reason="The overhead of a call is paid once for all of its images, so the gap between the "
        "two shrinks with every image in the batch.",
    ),
)
