"""Steps that move cells under a potential, over several inner steps."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ...errors import JaxmorphError
from ...gradients import discount_gradient
from ...simulation import gaussian, scan
from ...steps import SimulationStep, State
from .potentials import ForceFn, MechanicalInteractionPotential, Scalar

Carry = tuple[Float[Array, "cell dim"], PRNGKeyArray | None]


class _MechanicalRelaxation(SimulationStep):
    """``relaxation_steps`` moves of all cells; types and radii stay fixed meanwhile.

    The derivative of the positions is multiplied by ``discount`` as they leave each inner step: what
    reached the positions k inner steps ago counts ``discount^k``. See ``jaxmorph.discount_gradient``.
    """

    mechanical_potential: eqx.AbstractVar[MechanicalInteractionPotential]
    relaxation_steps: eqx.AbstractVar[int]
    discount: eqx.AbstractVar[Scalar]

    @abc.abstractmethod
    def _move(self, state: State, force: ForceFn, carry: Carry) -> Carry:
        """One inner step of the positions and the key."""

    def __check_init__(self) -> None:
        if self.relaxation_steps < 1:
            raise JaxmorphError(
                f"relaxation_steps = {self.relaxation_steps}: a relaxation has at least 1 step"
            )

    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        force = self.mechanical_potential.force_fn(state)

        def body(carry: Carry, _: None) -> tuple[Carry, None]:
            position, key = self._move(state, force, carry)
            return (discount_gradient(position, self.discount), key), None

        (position, _), _ = scan(body, (state.position, key), None, length=self.relaxation_steps)
        return eqx.tree_at(lambda state: state.position, state, position)


class BrownianMechanicalRelaxation(_MechanicalRelaxation):
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

    def _move(self, state: State, force: ForceFn, carry: Carry) -> Carry:
        position, key = carry
        if key is None:
            raise JaxmorphError("key = None: Brownian motion needs a random key; pass key=...")
        key, draw = jax.random.split(key)
        noise = jax.random.normal(draw, position.shape, position.dtype)
        mobility = self.dt / self.gamma
        # Two roots, not one: with kT = 0 the derivatives in dt and gamma stay finite.
        amplitude = jnp.sqrt(self.kT) * jnp.sqrt(2 * mobility)
        amplitude = jnp.where(state.alive[:, None], amplitude, 0)  # dead slots do not move
        change = gaussian(noise, force(position) * mobility, amplitude)
        return state.shift(position, change), key


class SGDMechanicalRelaxation(_MechanicalRelaxation):
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

    def _move(self, state: State, force: ForceFn, carry: Carry) -> Carry:
        position, key = carry
        return state.shift(position, force(position) * self.dt), key
