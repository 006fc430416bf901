"""Growth of the radius toward a largest one."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..errors import JaxmorphError
from ..steps import SimulationStep, State

GrowthType = Literal["linear", "exponential"]


class CellGrowth(SimulationStep):
    """Radii grow in each step and saturate smoothly at ``max_radius``.

    With x = r + growth_rate (linear) or r exp(growth_rate) (exponential) and
    s = 1 / (1 + exp(-smoothing_exp (x - max_radius))), the new radius is x (1 - s) + max_radius s.
    With ``smoothing_exp = 0`` it is the smaller of x and ``max_radius``. Dead slots keep radius 0.

    Source: the growth step of the JAX-MORPH reference notebook.

    Attributes:
        growth_rate: Length per step (linear), or 1 per step (exponential).
        max_radius: Length.
        growth_type: ``"linear"`` or ``"exponential"``.
        smoothing_exp: Sharpness of the saturation, 1 / length. Whether it is 0 is decided when the
            program is traced, so the hard limit needs a Python 0, not an array.
    """

    max_radius: float | Float[Array, ""] = 1.0
    growth_rate: float | Float[Array, ""] = 0.03
    growth_type: GrowthType = eqx.field(default="linear", static=True)
    smoothing_exp: float | Float[Array, ""] = 10.0

    def __check_init__(self) -> None:
        if self.growth_type not in ("linear", "exponential"):
            raise JaxmorphError(f"growth_type = {self.growth_type!r}: use 'linear' or 'exponential'")

    @jax.named_scope("jaxmorph.CellGrowth")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        del key
        if self.growth_type == "linear":
            grown = state.radius + self.growth_rate
        else:
            grown = state.radius * jnp.exp(self.growth_rate)
        if isinstance(self.smoothing_exp, float | int) and self.smoothing_exp == 0:
            limited = jnp.minimum(grown, self.max_radius)
        else:
            s = jax.nn.sigmoid(self.smoothing_exp * (grown - self.max_radius))
            limited = grown * (1 - s) + self.max_radius * s
        radius = jnp.where(state.alive[:, None], limited, 0)
        return eqx.tree_at(lambda state: state.radius, state, radius)
