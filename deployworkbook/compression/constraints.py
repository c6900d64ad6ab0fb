"""What compression asks of a kernel, step after step: zeros, shared values, a grid.

The optimizer moves variables that are free; the kernel that the layer computes with is made from
them after each step, so that it obeys exactly. The gradient by the kernel is taken for that by the
free variables, the straight-through estimator (Y. Bengio, N. Léonard and A. Courville, 2013).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.clipping import mse_optimal_grid
from deployworkbook.training.keras2 import tf
from deployworkbook.validation import check_integer, check_number, check_same_shape


class Constraint(Protocol):
    """One kernel's: what the optimizer moves, and how the kernel follows."""

    @property
    def kernel(self) -> Any:
        """What the layer computes with."""

    @property
    def variable(self) -> Any:
        """What the optimizer moves."""

    def gradient(self, by_kernel: Any) -> Any:
        """Turn the gradient by the kernel into that by the variable."""

    def apply(self) -> None:
        """Make the kernel what it may be."""


class Masked:
    """Zeros where a mask says so, and on request whole steps of a scale elsewhere.

        w = m · s · clip(round(v / s), -q, q),  q = 2^(bits - 1) - 1

    Args:
        kernel: w, the layer's variable.
        fade: By which share v shrinks at each step where w is masked. At 1 it is 0 at once, and
            what is pruned is gone; below 1 the data can bring back what was pruned by mistake.
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
        """Let only what is True in the mask differ from 0, from now on."""
        check_same_shape("kernel", self.kernel, "mask", mask)
        self._mask.assign(np.asarray(mask).astype(np.float32))
        self.apply()

    def gradient(self, by_kernel: Any) -> Any:
        """Pass it on; where nothing can come back, only to what is kept."""
        return by_kernel * self._mask if self._fade == 1.0 else by_kernel

    def apply(self) -> None:
        """Fade what is masked, and set the kernel."""
        self.variable.assign(self.variable * (1.0 - self._fade * (1.0 - self._mask)))
        values = self.variable
        if self._scale is not None:
            steps = tf.round(values / self._scale)
            values = self._scale * tf.clip_by_value(steps, -self._highest, self._highest)
        self.kernel.assign(values * self._mask)


class Shared:
    """A few values that many weights share; they move together, and zeros stay.

        w = c[code],  c[0] = 0,  ∂L/∂c_k = Σ_(code = k) ∂L/∂w

    Args:
        kernel: w, the layer's variable.
        codes: 0 for the value 0, then 1, 2 …; weights of one code start from their mean.
    """

    def __init__(self, kernel: Any, codes: NDArray[np.int64]) -> None:
        check_same_shape("kernel", kernel, "codes", codes)
        counts = np.bincount(np.ravel(codes))
        sums = np.bincount(np.ravel(codes), weights=kernel.numpy().ravel())
        self.kernel = kernel
        self._codes = tf.constant(codes)
        # The value 0 is no variable: it is put before the others.
        means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)[1:]
        self.variable = tf.Variable(means.astype(np.float32))

    def gradient(self, by_kernel: Any) -> Any:
        """Add up the gradients of those that share a value."""
        count = self.variable.shape[0] + 1
        return tf.math.unsorted_segment_sum(by_kernel, self._codes, count)[1:]

    def apply(self) -> None:
        """Hand the values out."""
        self.kernel.assign(tf.gather(tf.concat([[0.0], self.variable], 0), self._codes))


def _scale(kernel: NDArray[np.float32], bits: int) -> np.float32:
    """The step whose grid is nearest to the weights; zeros are on every grid."""
    weights = kernel[kernel != 0]
    if weights.size == 0:
        return np.float32(1.0)
    return np.float32(mse_optimal_grid(weights, bits=bits, scheme="symmetric").scale)
