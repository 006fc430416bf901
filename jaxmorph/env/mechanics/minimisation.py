"""Cells at rest: steps that move them to a minimum of their energy."""

import abc
from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ... import space
from ...errors import JaxmorphError
from ...steps import SimulationStep, State
from ...tracing import recompute
from ..interactions import ForceFn, MechanicalInteractionPotential, Scalar
from .implicit import change_of_minimum
from .relaxation import check_steps

Position = Float[Array, "cell dim"]

# Of FIRE, as Bitzek et al. recommend: turns downhill before it speeds up, by how much it does and slows
# down, and how much of the velocity is turned along the force, at first and less with each turn.
_PATIENCE, _FASTER, _SLOWER, _MIXING, _LESS_MIXING = 5, 1.1, 0.5, 0.1, 0.99


class MinimisationMethod(eqx.Module):
    """A way downhill."""

    @abc.abstractmethod
    def __call__(
        self, force: ForceFn, shift: space.ShiftFn, position: Position, n_steps: int
    ) -> Position:
        """The positions after ``n_steps``."""


class GradientDescent(MinimisationMethod):
    """x <- x + dt F.

    Source: ``jax_md.minimize.gradient_descent``, which a test holds this against.

    Attributes:
        dt: Step size, length^2 / energy; below 2 over the largest curvature of the energy.
    """

    dt: Scalar = 1e-3

    def __check_init__(self) -> None:
        _check_positive("dt", self.dt)

    def __call__(
        self, force: ForceFn, shift: space.ShiftFn, position: Position, n_steps: int
    ) -> Position:
        def body(position: Position, _: None) -> tuple[Position, None]:
            return shift(position, self.dt * force(position)), None

        return jax.lax.scan(recompute(body), position, None, length=n_steps)[0]


class Fire(MinimisationMethod):
    """FIRE: cells of unit mass that roll downhill, and stop where they would roll uphill.

    Source: Bitzek, Koskinen, Gähler, Moseler, Gumbsch, Phys. Rev. Lett. 97 (2006) 170201;
    ``jax_md.minimize.fire_descent``, which a test holds this against. jax-md adds 1e-6 to the squared
    force by which it divides; here, force and velocity may be as small as they get.

    Attributes:
        dt: First time step; cells that overlap fly apart if it is long for the forces between them.
        dt_max: Largest time step.
    """

    dt: Scalar = 0.02
    dt_max: Scalar = 0.2

    def __check_init__(self) -> None:
        _check_positive("dt", self.dt)
        _check_positive("dt_max", self.dt_max)

    def __call__(
        self, force: ForceFn, shift: space.ShiftFn, position: Position, n_steps: int
    ) -> Position:
        def body(moving: tuple, _: None) -> tuple[tuple, None]:
            position, velocity, pull, dt, mixing, n_downhill = moving
            velocity = velocity + dt / 2 * pull
            position = shift(position, dt * velocity)
            pull = force(position)
            velocity = velocity + dt / 2 * pull
            power = jnp.sum(pull * velocity)
            steepness = _norm(pull)
            along = pull * (_norm(velocity) / jnp.where(steepness > 0, steepness, 1))
            velocity = velocity + mixing * (along - velocity)
            n_downhill = jnp.where(power >= 0, n_downhill + 1, 0)
            steady = (power > 0) & (n_downhill > _PATIENCE)
            dt = jnp.where(steady, jnp.minimum(_FASTER * dt, self.dt_max), dt)
            mixing = jnp.where(steady, _LESS_MIXING * mixing, mixing)
            uphill = power < 0
            dt = jnp.where(uphill, _SLOWER * dt, dt)
            mixing = jnp.where(uphill, _MIXING, mixing)
            velocity = jnp.where(uphill, 0, velocity)
            return (position, velocity, pull, dt, mixing, n_downhill), None

        dtype = position.dtype
        start = (
            position,
            jnp.zeros_like(position),
            force(position),
            jnp.asarray(self.dt, dtype),
            jnp.asarray(_MIXING, dtype),
            jnp.zeros((), jnp.int32),
        )
        return jax.lax.scan(recompute(body), start, None, length=n_steps)[0][0]


def _norm(x: Position) -> Array:
    """Of all cells; its derivative is 0 where it is 0."""
    return space.root(jnp.sum(x**2))


def _check_positive(name: str, value: Scalar) -> None:
    if isinstance(value, float | int) and not value > 0:
        raise JaxmorphError(f"{name} = {value}: must be above 0")


class EnergyMinimisation(SimulationStep):
    """Moves the cells to a minimum of their energy; types and radii stay fixed meanwhile.

    Where the force on a cell is above ``tolerance`` after ``relaxation_steps``, the living cells are at
    no minimum and their positions are NaN: a run counts and reports such a sample as not finite.

    Derivatives are ``"unrolled"`` through all steps, or ``"implicit"``: at a minimum the force is zero,
    F(x, p) = 0, so that dx/dp solves H dx = dF/dp with the Hessian H of the energy. That costs one
    decomposition of H, (cell dim)^3 operations, and no memory for the steps; the two agree, with these
    limits of ``"implicit"``:

    - H does not resist motions of the whole cluster. The initial positions move the minimum by what they
      move the centroid by, and by nothing else. Nothing turns it: derivatives are those of what does not
      depend on the orientation of the cluster, as its size does not and its gyration tensor does.
    - Where something else moves without resistance (cells or clusters that do not touch, repulsion alone
      in free space), no theorem says where the minimum goes, and derivatives are NaN. So they are at
      saddle points.
    - In periodic space, a cluster that touches no image of itself must be narrower than half the box.

    Which of several minima is reached jumps with parameters; neither kind of derivative sees that.

    Attributes:
        mechanical_potential: The energy of the cells.
        method: ``Fire`` or ``GradientDescent``.
        relaxation_steps: Steps of the method in one call.
        tolerance: Largest force on a cell at what counts as a minimum, energy / length; single precision
            needs a larger one.
        gradients: ``"implicit"`` or ``"unrolled"``.
    """

    mechanical_potential: MechanicalInteractionPotential
    method: MinimisationMethod = Fire()
    relaxation_steps: int = eqx.field(default=500, static=True)
    tolerance: Scalar = 1e-6
    gradients: Literal["implicit", "unrolled"] = eqx.field(default="implicit", static=True)

    def __check_init__(self) -> None:
        check_steps(self.relaxation_steps)
        if self.gradients not in ("implicit", "unrolled"):
            raise JaxmorphError(f"gradients = {self.gradients!r}: must be 'implicit' or 'unrolled'")

    @jax.named_scope("jaxmorph.EnergyMinimisation")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        del key
        minimum = _implicit if self.gradients == "implicit" else _downhill
        position = minimum(self.method, self.relaxation_steps, self.mechanical_potential, state)
        there = eqx.tree_at(lambda s: s.position, state, jax.lax.stop_gradient(position))
        force = self.mechanical_potential.force_fn(there)(there.position)
        largest = jnp.max(jnp.where(state.alive, space.distance(force), 0), initial=0)
        converged = jnp.where(jax.lax.stop_gradient(largest) <= self.tolerance, 1.0, jnp.nan)
        position = jnp.where(state.alive[:, None], position * converged.astype(position.dtype), position)
        return eqx.tree_at(lambda s: s.position, state, position)


def _downhill(
    method: MinimisationMethod, n_steps: int, potential: MechanicalInteractionPotential, state: State
) -> Position:
    return method(potential.force_fn(state), state.shift, state.position, n_steps)


_implicit: Callable[..., Position] = eqx.filter_custom_jvp(_downhill)


@_implicit.def_jvp  # type: ignore[attr-defined]
def _implicit_jvp(primals: tuple, tangents: tuple) -> tuple[Position, Position]:
    _, _, potential, state = primals
    _, _, in_potential, in_state = tangents
    position = _implicit(*primals)
    there = eqx.tree_at(lambda s: s.position, state, position)
    in_position = in_state.position
    in_rest = eqx.tree_at(lambda s: s.position, in_state, None, is_leaf=lambda x: x is None)
    force_change = None
    if jax.tree.leaves((in_potential, in_rest)):
        _, force_change = eqx.filter_jvp(
            lambda potential, state: potential.force_fn(state)(position),
            (potential, there),
            (in_potential, in_rest),
        )
    change = change_of_minimum(there, potential.force_fn(there), force_change, in_position)
    return position, change
