"""The unconstrained scale on which parameters are optimised: every point of it is within the bounds."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..distributions import (
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
    is_logarithmic,
)

# A start at an end of an interval would be at infinity, and never leave it.
_NEAREST_TO_AN_END = 1e-3


class Scale:
    """Between parameters and unconstrained numbers u, by the parameters' distributions.

    ======================== ======================================================
    uniform, truncated normal low + (high - low) / (1 + exp(-u))
    log-uniform               the same for the logarithm
    normal                    mean + sd u
    log-normal                median exp(sd_log u)
    ======================== ======================================================

    The values are clipped to the distribution's support, which round-off might leave by a bit.

    Attributes:
        bounded: Which parameters have bounds, (parameter,).
    """

    def __init__(self, distributions: Sequence[Distribution]):
        self._log = np.array([is_logarithmic(d) for d in distributions])
        self.bounded = np.array(
            [isinstance(d, Uniform | LogUniform | TruncatedNormal) for d in distributions]
        )
        self._support = np.array([d.support for d in distributions])
        self._offset, self._width = np.array([_offset_and_width(d) for d in distributions]).T

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


def _offset_and_width(distribution: Distribution) -> tuple[float, float]:
    """Offset and width of a parameter on its natural scale."""
    match distribution:
        case Normal(mean=mean, sd=sd):
            return mean, sd
        case LogNormal(median=median, sd_log=sd):
            return float(np.log(median)), sd
    low, high = distribution.support
    if is_logarithmic(distribution):
        low, high = float(np.log(low)), float(np.log(high))
    return low, high - low
