"""Secretion, and the quasi-steady concentrations that all cells make together."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ... import space
from ...errors import JaxmorphError
from ...state import BaseCellState
from ...steps import SimulationStep, State
from ..fields import field_of, with_field
from .kernels import DiffusionKernel, UniformKernel

Rate = float | Float[Array, ""] | Float[Array, " chemical"]


class ChemicalState(BaseCellState):
    """A state whose cells secrete and sense chemicals.

    Attributes:
        chemical: Concentrations at the centres of the cells, shape (cell, chemical).
        secretion: What each cell secretes, amount / time, shape (cell, chemical).
    """

    chemical: Float[Array, "*time cell chemical"]
    secretion: Float[Array, "*time cell chemical"]


class Secretion(SimulationStep):
    """Cells secrete what their type does: sets the field ``secretion``.

    Attributes:
        rates: Amount per time, shape (type, chemical). A cell of mixed type secretes the mixture.
    """

    rates: Float[Array, "type chemical"]

    @jax.named_scope("jaxmorph.Secretion")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        del key
        rates = jnp.asarray(self.rates)
        n_types = state.celltype.shape[1]
        if rates.ndim != 2 or rates.shape[0] != n_types:
            raise JaxmorphError(
                f"rates of shape {rates.shape}: must have a row for each of the {n_types} cell types, "
                "and a column for each chemical"
            )
        secreted = jnp.matmul(state.celltype, rates, precision=jax.lax.Precision.HIGHEST)
        return with_field(self, state, "secretion", secreted)


class ScreenedDiffusion(SimulationStep):
    """Quasi-steady diffusion with degradation in free space: sets the field ``chemical``.

    Concentrations follow the cells at once: D lap c - k c + s = 0, where s is what the living cells
    secrete (field ``secretion``), as a sum of the fields of single cells. What a cell senses is the
    concentration at its centre, and what it has made itself is part of it. With the default kernel,
    degradation takes away just what is secreted: k times the integral of c is the sum of ``secretion``.

    Attributes:
        diffusion: D, length^2 / time; one number, or one per chemical.
        degradation: k, 1 / time, above 0; one number, or one per chemical.
        kernel: The field of one cell.
    """

    diffusion: Rate = 1.0
    degradation: Rate = 1.0
    kernel: DiffusionKernel = UniformKernel()

    def __check_init__(self) -> None:
        for name in ("diffusion", "degradation"):
            value = getattr(self, name)
            if isinstance(value, float | int) and not value > 0:
                raise JaxmorphError(f"{name} = {value}: must be above 0")

    def concentration(
        self, state: BaseCellState, points: Float[Array, "point dim"]
    ) -> Float[Array, "point chemical"]:
        """Concentrations at any points, for the positions, radii and secretion of ``state``.

        Raises:
            JaxmorphError: In periodic space, or if the state has no field ``secretion``.
        """
        if not space.is_free(state.displacement, state.position.shape[1]):
            raise JaxmorphError(
                "ScreenedDiffusion: the state is in periodic space, and the field of a cell is that of "
                "unbounded space; use jaxmorph.space.free()"
            )
        secretion = field_of(self, state, "secretion")
        dtype = state.position.dtype
        try:
            diffusion, degradation, _ = jnp.broadcast_arrays(
                *(jnp.asarray(x, dtype) for x in (self.diffusion, self.degradation)),
                jnp.zeros(secretion.shape[1:], dtype),
            )
        except ValueError:
            raise JaxmorphError(
                f"diffusion of shape {jnp.shape(self.diffusion)}, degradation of shape "
                f"{jnp.shape(self.degradation)}: the state has {secretion.shape[1]} chemicals; give one "
                "number, or one for each"
            ) from None
        alive = state.alive
        r = space.distance(points[:, None, :] - state.position[None, :, :])
        # A dead slot has radius 0, where kernels are infinite.
        radius = jnp.where(alive, state.radius[:, 0], 1)
        secreted = jnp.where(alive[:, None], secretion, 0)
        # Chemicals that spread alike have one kernel.
        shared = jnp.ndim(self.diffusion) == 0 and jnp.ndim(self.degradation) == 0
        if shared:
            diffusion, degradation = diffusion[:1], degradation[:1]
        length = jnp.sqrt(diffusion / degradation)
        n_dim = state.position.shape[1]
        of_one = self.kernel(r[..., None], radius[:, None], diffusion, length, n_dim)
        if shared:
            return jnp.matmul(of_one[..., 0], secreted, precision=jax.lax.Precision.HIGHEST)
        return jnp.sum(of_one * secreted, axis=1)

    @jax.named_scope("jaxmorph.ScreenedDiffusion")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        del key
        field_of(self, state, "chemical")
        return with_field(self, state, "chemical", self.concentration(state, state.position))
