"""Cells that swim: active Brownian motion."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ... import space
from ...steps import State
from ...tracing import gaussian
from ..interactions import MechanicalInteractionPotential, Scalar
from .relaxation import MechanicalRelaxation, Moved, Position, random_key


class ActiveBrownianRelaxation(MechanicalRelaxation):
    """Brownian motion of cells that also propel themselves along an orientation, which diffuses.

    x <- x + (F / gamma + v n) dt + sqrt(2 kT dt / gamma) xi, and the unit vector n of the state's field
    ``orientation``, shape (cell, dim), turns along a great circle by sqrt(2 D dt) eta, with xi and the
    components of eta at right angles to n standard normal. So <n(t).n(0)> = exp(-(dim - 1) D t): exactly
    at any dt in 2-D, up to order D dt in 3-D; the persistence time is 1 / ((dim - 1) D).

    Source: Fily and Marchetti, Phys. Rev. Lett. 108 (2012) 235702; Romanczuk et al., Eur. Phys. J. Spec.
    Top. 202 (2012) 1-162.

    Both kinds of noise are drawn through ``jaxmorph.simulation.gaussian``.

    Attributes:
        mechanical_potential: The energy of the cells.
        relaxation_steps: Inner steps in one call.
        dt: Length of an inner step, time.
        kT: Temperature, energy.
        gamma: Friction coefficient per mass, 1 / time.
        speed: v, length / time; a number, or one for each cell, shape (cell, 1).
        rotational_diffusion: D, 1 / time.
        discount: Factor of the gradient of the positions per inner step; 1 leaves it exact.
    """

    mechanical_potential: MechanicalInteractionPotential
    relaxation_steps: int = eqx.field(default=1, static=True)
    dt: Scalar = 8e-4
    kT: Scalar = 1.0
    gamma: Scalar = 0.8
    speed: Scalar | Float[Array, "cell 1"] = 1.0
    rotational_diffusion: Scalar = 1.0
    discount: Scalar = 1.0

    @property
    def _moved(self) -> tuple[str, ...]:
        return ("position", "orientation")

    def _draw(self, state: State, key: PRNGKeyArray | None) -> Float[Array, "step 2 cell dim"]:
        key = random_key("active Brownian motion", key)
        x = state.position
        return jax.random.normal(key, (self.relaxation_steps, 2, *x.shape), x.dtype)

    def _mobility(self) -> Scalar:
        return self.dt / self.gamma

    def _move(self, state: State, drift: Position, moved: Moved, noise: Any) -> Moved:
        position, orientation = moved
        alive = state.alive[:, None]
        # Roots apart, as in BrownianMechanicalRelaxation; dead slots neither move nor turn.
        shaking = jnp.where(alive, _root(self.kT) * _root(2 * self._mobility()), 0)
        turning = jnp.where(alive, _root(self.rotational_diffusion) * _root(2 * self.dt), 0)
        mean = drift + jnp.where(alive, self.speed * self.dt, 0) * orientation
        position = state.shift(position, gaussian(noise[0], mean, shaking))
        return position, turned(orientation, gaussian(noise[1], 0.0, turning))


def _root(x: Scalar) -> Array:
    """The square root; its derivative is 0 where it is 0."""
    return space.root(jnp.asarray(x, float))


def turned(
    orientation: Float[Array, "cell dim"], turn: Float[Array, "cell dim"]
) -> Float[Array, "cell dim"]:
    """Unit vectors, each turned towards the part of ``turn`` at right angles to it, by its length."""
    along = jnp.sum(turn * orientation, axis=-1, keepdims=True)
    across = turn - along * orientation
    angle = space.distance(across)[:, None]
    # sinc(x) = sin(pi x) / (pi x), smooth at 0.
    return jnp.cos(angle) * orientation + jnp.sinc(angle / jnp.pi) * across
