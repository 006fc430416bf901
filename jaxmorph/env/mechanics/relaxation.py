"""Steps that move cells under a potential, over several inner steps."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ...errors import JaxmorphError
from ...steps import SimulationStep, State
from ...tracing import discount_gradient, gaussian, keep, platform, scan
from ..fields import require
from ..interactions import MechanicalInteractionPotential, Scalar

Position = Float[Array, "cell dim"]
Moved = tuple[Array, ...]

# On a GPU a turn of a loop that splits a key launches four kernels, and a split by itself one.
_SPLITS_TOGETHER = 10


def check_steps(relaxation_steps: int) -> None:
    """Raises JaxmorphError if there is none."""
    if relaxation_steps < 1:
        raise JaxmorphError(f"relaxation_steps = {relaxation_steps}: a relaxation has at least 1 step")


def random_key(motion: str, key: PRNGKeyArray | None) -> PRNGKeyArray:
    """The key; raises JaxmorphError if there is none."""
    if key is None:
        raise JaxmorphError(f"key = None: {motion} needs a random key; pass key=...")
    return key


class MechanicalRelaxation(SimulationStep):
    """``relaxation_steps`` moves of all cells; types and radii stay fixed meanwhile.

    The derivative of the positions is multiplied by ``discount`` as they leave each inner step: what
    reached the positions k inner steps ago counts ``discount^k``. See ``jaxmorph.discount_gradient``.
    """

    mechanical_potential: eqx.AbstractVar[MechanicalInteractionPotential]
    relaxation_steps: eqx.AbstractVar[int]
    discount: eqx.AbstractVar[Scalar]

    @property
    def _moved(self) -> tuple[str, ...]:
        """The fields of the state that an inner step changes; the positions first."""
        return ("position",)

    @abc.abstractmethod
    def _draw(self, state: State, key: PRNGKeyArray | None) -> Float[Array, "step *any"] | None:
        """The noise of all inner steps."""

    @abc.abstractmethod
    def _mobility(self) -> Scalar:
        """What a force moves a cell by in an inner step, length / force."""

    @abc.abstractmethod
    def _move(self, state: State, drift: Position, moved: Moved, noise: Any) -> Moved:
        """The fields of :attr:`_moved` after an inner step.

        Args:
            state: Before the first inner step.
            drift: What the forces move each cell by.
            moved: Before this inner step.
            noise: Its part of what :meth:`_draw` returned.
        """

    def __check_init__(self) -> None:
        check_steps(self.relaxation_steps)

    @jax.named_scope("jaxmorph.MechanicalRelaxation")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        require(self, state, *self._moved)
        noise = self._draw(state, key)
        drift = self.mechanical_potential.scaled_force_fn(state, self._mobility())

        def body(moved: Moved, noise: Any) -> tuple[Moved, None]:
            moved = tuple(keep(x) for x in moved)
            position, *others = self._move(state, drift(moved[0]), moved, noise)
            return (discount_gradient(position, self.discount), *others), None

        start: Moved = tuple(getattr(state, name) for name in self._moved)
        moved, _ = scan(body, start, noise, length=self.relaxation_steps)
        return eqx.tree_at(lambda x: tuple(getattr(x, name) for name in self._moved), state, moved)


class BrownianMechanicalRelaxation(MechanicalRelaxation):
    """Overdamped Langevin (Brownian) dynamics of unit mass, Euler-Maruyama.

    x <- x + F dt / gamma + sqrt(2 kT dt / gamma) xi, with xi standard normal, drawn anew in each inner
    step: the key is split in two (carry, draw) and the draw has the shape and type of the positions.

    Source: ``jax_md.simulate.brownian`` (Carlon, Laleman and Nomidis, 2016), which a test holds this
    against. jax-md rounds dt / gamma and the amplitude of the noise to single precision when they are
    Python numbers; here a number and an array of the same value give the same trajectory.

    The changes are drawn through ``jaxmorph.simulation.gaussian``: the estimator ``score`` holds them
    fixed, not the positions, so that what moves the initial positions still moves all later ones.

    Attributes:
        mechanical_potential: The energy of the cells.
        relaxation_steps: Inner steps in one call.
        dt: Length of an inner step, time.
        kT: Temperature, energy.
        gamma: Friction coefficient per mass, 1 / time.
        discount: Factor of the gradient per inner step; 1 leaves it exact.
    """

    mechanical_potential: MechanicalInteractionPotential
    relaxation_steps: int = eqx.field(default=1, static=True)
    dt: Scalar = 8e-4
    kT: Scalar = 1.0
    gamma: Scalar = 0.8
    discount: Scalar = 1.0

    def _draw(self, state: State, key: PRNGKeyArray | None) -> Float[Array, "step cell dim"]:
        key = random_key("Brownian motion", key)

        def split(key: PRNGKeyArray, _: None) -> tuple[PRNGKeyArray, PRNGKeyArray]:
            key, draw = jax.random.split(key)
            return key, draw

        # All at once, and outside of the loop over the inner steps: one program draws for many.
        unroll = 1 if platform() in ("cpu", None) else _SPLITS_TOGETHER
        _, keys = jax.lax.scan(split, key, None, length=self.relaxation_steps, unroll=unroll)
        like = state.position
        return jax.vmap(lambda key: jax.random.normal(key, like.shape, like.dtype))(keys)

    def _mobility(self) -> Scalar:
        return self.dt / self.gamma

    def _move(self, state: State, drift: Position, moved: Moved, noise: Any) -> Moved:
        # Two roots, not one: with kT = 0 the derivatives in dt and gamma stay finite.
        amplitude = jnp.sqrt(self.kT) * jnp.sqrt(2 * self._mobility())
        amplitude = jnp.where(state.alive[:, None], amplitude, 0)  # dead slots do not move
        return (state.shift(moved[0], gaussian(noise, drift, amplitude)),)


class SGDMechanicalRelaxation(MechanicalRelaxation):
    """Gradient descent on the energy: x <- x + dt F in each inner step.

    Source: ``jax_md.minimize.gradient_descent``, which a test holds this against.

    Attributes:
        mechanical_potential: The energy of the cells.
        relaxation_steps: Inner steps in one call.
        dt: Step size, length^2 / energy.
        discount: Factor of the gradient per inner step; 1 leaves it exact.
    """

    mechanical_potential: MechanicalInteractionPotential
    relaxation_steps: int = eqx.field(default=25, static=True)
    dt: Scalar = 8e-4
    discount: Scalar = 1.0

    def _draw(self, state: State, key: PRNGKeyArray | None) -> None:
        return None

    def _mobility(self) -> Scalar:
        return self.dt

    def _move(self, state: State, drift: Position, moved: Moved, noise: Any) -> Moved:
        return (state.shift(moved[0], drift),)
