"""Which cells an observable depends on: its derivative by the position of each cell."""

from collections.abc import Callable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ..errors import JaxmorphError
from ..simulation.run import Model
from ..state import BaseCellState

State = TypeVar("State", bound=BaseCellState)
Vectors = Float[Array, "*time cell dim"]


def position_sensitivity(observable: Callable[[State], Array], state: State) -> Vectors:
    """The derivative d observable / d position of each cell, of a state or of each of a trajectory.

    Its length, ``jnp.linalg.norm(..., axis=-1)``, is how much a small move of the cell can change the
    observable. 0 for dead slots.

    Args:
        observable: A differentiable scalar function of a state, as in ``jaxmorph.observables``.
        state: A state, or a trajectory (``simulate(..., history=True)``).

    Returns:
        Shape of ``state.position``.

    Raises:
        JaxmorphError: If the observable is not a scalar.
    """

    def of(state: State) -> Array:
        def value(position: Array) -> Array:
            result = observable(eqx.tree_at(lambda s: s.position, state, position))
            if jnp.shape(result) != ():
                raise JaxmorphError(
                    f"observable: has shape {jnp.shape(result)}; a sensitivity is that of one number"
                )
            return result

        return jnp.where(state.alive[:, None], jax.grad(value)(state.position), 0)

    return eqx.filter_vmap(of)(state) if state.position.ndim == 3 else of(state)


def outcome_sensitivity(
    model: Model[State],
    state: State,
    key: PRNGKeyArray,
    n_steps: int,
    observable: Callable[[State], Array],
) -> tuple[State, Vectors]:
    """All states, and d (observable of the final one) / d (position of each cell after each step).

    The same simulation as ``jaxmorph.simulate(model, state, key, n_steps, history=True)``; how much a
    small push of a cell at a time changes the outcome, through all that follows, with the noise held
    fixed. After the last step it is :func:`position_sensitivity`. 0 for dead slots.

    Args:
        model: A step.
        state: The initial state.
        key: The run's random key.
        n_steps: How many steps, at least 1.
        observable: A differentiable scalar function of a state.

    Returns:
        The trajectory, and an array of the shape of its positions, (step, cell, dim).
    """
    keys = jax.random.split(key, n_steps)

    def outcome(push: Array) -> tuple[Array, State]:
        def step(state: State, inputs: tuple[PRNGKeyArray, Array]) -> tuple[State, State]:
            step_key, moved = inputs
            state = model(state, key=step_key)
            state = eqx.tree_at(lambda s: s.position, state, state.position + moved)
            return state, state

        final, trajectory = jax.lax.scan(step, state, (keys, push))
        return observable(final), trajectory

    still = jnp.zeros((n_steps, *state.position.shape), state.position.dtype)
    gradient, trajectory = jax.grad(outcome, has_aux=True)(still)
    return trajectory, jnp.where(trajectory.alive[..., None], gradient, 0)
