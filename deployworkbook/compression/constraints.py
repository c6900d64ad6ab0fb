"""Constraints on a kernel that hold after every training step: zeros, shared values, a grid.

The optimizer moves unconstrained variables; after each step, the kernel that the layer computes
with is derived from them, so that it satisfies the constraint exactly. The gradient with respect to
the kernel stands in for the gradient with respect to those variables: the straight-through
estimator (Y. Bengio, N. Léonard and A. Courville, 2013).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.clipping import mse_optimal_grid
from deployworkbook.training.keras2 import tf
from deployworkbook.validation import check_integer, check_number, check_same_shape


class Constraint(Protocol):
    """A constraint on one kernel: what the optimizer moves, and how the kernel follows."""

    @property
    def kernel(self) -> Any:
        """Variable that the layer computes with."""

    @property
    def variable(self) -> Any:
        """Variable that the optimizer moves."""

    def gradient(self, by_kernel: Any) -> Any:
        """Turn the gradient with respect to the kernel into that with respect to the variable."""

    def apply(self) -> None:
        """Derive the kernel from the variable."""


class Masked:
    """Zeros where a mask says so, and optionally whole steps of a grid elsewhere.

        w = m · s · clip(round(v / s), -q, q),  q = 2^(bits - 1) - 1

    Args:
        kernel: w, the layer's variable.
        fade: Fraction by which v shrinks per step where w is masked. At 1 it becomes 0 at once,
            so pruned weights stay pruned; below 1, the data can bring back a weight that was
            pruned by mistake.
        bits: Width of the integers; ``None`` for no grid.
    """

    def __init__(self, kernel: Any, *, fade: float = 1.0, bits: int | None = None) -> None:
        check_number("fade", fade, 0, 1)
        self.kernel = kernel
        self.variable = tf.Variable(kernel)
        self._mask = tf.Variable(tf.ones_like(kernel))
        self._fade = fade
        self._scale = None
        if bits is not None:
            self._highest = 2.0 ** (check_integer("bits", bits, 2, 8) - 1) - 1
            self._scale = tf.constant(_scale(kernel.numpy(), bits))

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """From now on, let only weights where the mask is True differ from 0."""
        check_same_shape("kernel", self.kernel, "mask", mask)
        self._mask.assign(np.asarray(mask).astype(np.float32))
        self.apply()

    def gradient(self, by_kernel: Any) -> Any:
        """Pass the gradient on; if pruned weights can't come back, only for kept weights."""
        return by_kernel * self._mask if self._fade == 1.0 else by_kernel

    def apply(self) -> None:
        """Shrink the masked weights, and set the kernel."""
        self.variable.assign(self.variable * (1.0 - self._fade * (1.0 - self._mask)))
        values = self.variable
        if self._scale is not None:
            steps = tf.round(values / self._scale)
            values = self._scale * tf.clip_by_value(steps, -self._highest, self._highest)
        self.kernel.assign(values * self._mask)


class Shared:
    """A few values that many weights share; those weights move together, and zeros stay 0.

        w = c[code],  c[0] = 0,  ∂L/∂c_k = Σ_(code = k) ∂L/∂w

    Args:
        kernel: w, the layer's variable.
        codes: 0 for the value 0, then 1, 2 …; weights with one code start from their mean.
    """

    def __init__(self, kernel: Any, codes: NDArray[np.int64]) -> None:
        check_same_shape("kernel", kernel, "codes", codes)
        counts = np.bincount(np.ravel(codes))
        sums = np.bincount(np.ravel(codes), weights=kernel.numpy().ravel())
        self.kernel = kernel
        self._codes = tf.constant(codes)
        # The value 0 isn't trained; ``apply`` puts it before the others.
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)[1:]
        self.variable = tf.Variable(means.astype(np.float32))

    def gradient(self, by_kernel: Any) -> Any:
        """Sum the gradients of the weights that share a value."""
        count = self.variable.shape[0] + 1
        return tf.math.unsorted_segment_sum(by_kernel, self._codes, count)[1:]

    def apply(self) -> None:
        """Set each weight to the value of its code."""
        self.kernel.assign(tf.gather(tf.concat([[0.0], self.variable], 0), self._codes))


def _scale(kernel: NDArray[np.float32], bits: int) -> np.float32:
    """Return the step whose grid is nearest to the nonzero weights; zeros are on every grid."""
    weights = kernel[kernel != 0]
    if weights.size == 0:
        return np.float32(1.0)
    return np.float32(mse_optimal_grid(weights, bits=bits, scheme="symmetric").scale)
