"""The unconstrained scale on which parameters are optimised: every point of it is within the bounds."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..distributions import Distribution

# A start at an end of an interval would be at infinity, and never leave it.
_NEAREST_TO_AN_END = 1e-3


class Scale:
    """Between parameters and unconstrained numbers u, by the parameters' distributions.

    ============================ ======================================================
    between two ends             low + (high - low) / (1 + exp(-u))
    log-uniform, log-triangular  the same for the logarithm
    normal                       mean + sd u
    log-normal                   median exp(sd_log u)
    gamma                        mean exp(u sd / mean)
    ============================ ======================================================

    The values are clipped to the distribution's support, which round-off might leave by a bit.

    Attributes:
        bounded: Which parameters have bounds, (parameter,).
    """

    def __init__(self, distributions: Sequence[Distribution]):
        ends = np.array([d.natural_support for d in distributions])
        self.bounded = np.isfinite(ends).all(axis=1)
        # What begins at 0 without an end has a logarithm without ends.
        from_zero = (ends[:, 0] == 0) & ~self.bounded
        self._log = np.array([d.is_logarithmic for d in distributions]) | from_zero
        self._support = np.array([d.support for d in distributions])
        mean, sd = np.array([(d.natural_mean, d.natural_sd) for d in distributions]).T
        with np.errstate(divide="ignore", invalid="ignore"):
            self._offset = np.where(from_zero, np.log(mean), np.where(self.bounded, ends[:, 0], mean))
            width = np.where(self.bounded, ends[:, 1] - ends[:, 0], sd)
            self._width = np.where(from_zero, sd / mean, width)

    def parameter(self, u: Float[Array, "... parameter"]) -> Float[Array, "... parameter"]:
        """Parameter values at ``u``, of the same type."""
        offset, width = (jnp.asarray(x, u.dtype) for x in (self._offset, self._width))
        natural = offset + width * jnp.where(self.bounded, jax.nn.sigmoid(u), u)
        low, high = (jnp.asarray(x, u.dtype) for x in self._support.T)
        return jnp.clip(jnp.where(self._log, jnp.exp(natural), natural), low, high)

    def derivative(self, u: Float[Array, "... parameter"]) -> Float[Array, "... parameter"]:
        """The derivative d parameter / d u at ``u``."""
        return jax.jvp(self.parameter, (u,), (jnp.ones_like(u),))[1]

    def unconstrained(
        self, value: Float[np.ndarray, "... parameter"]
    ) -> Float[np.ndarray, "... parameter"]:
        """Where the parameters have a value; what is nearer to an end of an interval is moved inside."""
        with np.errstate(divide="ignore", invalid="ignore"):
            natural = np.where(self._log, np.log(value), value)
        share = (natural - self._offset) / self._width
        inside = np.clip(share, _NEAREST_TO_AN_END, 1 - _NEAREST_TO_AN_END)
        return np.where(self.bounded, np.log(inside / (1 - inside)), share)
