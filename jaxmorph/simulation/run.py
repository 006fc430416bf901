"""Applying a model many times, with or without the history, cheap to differentiate."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PRNGKeyArray, UInt32

from ..errors import JaxmorphError
from ..tracing import active, is_watched, recompute, spoiled, tell

State = TypeVar("State")
T = TypeVar("T")
U = TypeVar("U")
Keys = Key[Array, " step"] | UInt32[Array, "step 2"] | UInt32[Array, "step 4"]
"""One key for each step, new-style or old."""

# Reverse mode keeps the states of that many bytes of a simulation outright: computing a step again is a
# fifth of the time, and keeping it is cheap where states are small.
_KEPT_BYTES = 2**15
# Below this many steps, blocks save less memory than they cost in compilation.
_SMALLEST_BLOCKED = 16


class Model(Protocol[State]):
    """A ``SimulationStep``, or a function like one, of any pytree as the state."""

    def __call__(self, state: State, /, *, key: PRNGKeyArray) -> State: ...


def _scan_checkpointed(
    body: Callable[[T, PRNGKeyArray], tuple[T, U]], carry: T, keys: Keys
) -> tuple[T, U]:
    """``jax.lax.scan`` whose reverse mode stores O(sqrt(n)) carries instead of n.

    All but the last steps are cut into blocks of about the root of their number. Reverse mode keeps the
    carry at the start of each block, and while it works on one block, the carries inside that block and
    what a step marks by :func:`keep`; all else of a step is recomputed. Of the last steps, as many as
    :data:`_KEPT_BYTES` hold the carries of, it keeps them from the beginning.
    """
    n = keys.shape[0]
    step = recompute(body)
    in_blocks = n - _KEPT_BYTES // max(1, sum(x.nbytes for x in jax.tree.leaves(carry)))
    if in_blocks < _SMALLEST_BLOCKED:
        return jax.lax.scan(step, carry, keys)
    size = math.isqrt(in_blocks)
    n_blocks = in_blocks // size

    @partial(jax.checkpoint, prevent_cse=False)
    def block(carry: T, block_keys: Keys) -> tuple[T, U]:
        return jax.lax.scan(step, carry, block_keys)

    full, rest = keys[: n_blocks * size], keys[n_blocks * size :]
    blocks = full.reshape(n_blocks, size, *keys.shape[1:])
    carry, history = jax.lax.scan(block, carry, blocks)
    history = jax.tree.map(lambda x: x.reshape(n_blocks * size, *x.shape[2:]), history)
    if rest.shape[0] == 0:
        return carry, history
    carry, tail = jax.lax.scan(step, carry, rest)
    return carry, jax.tree.map(lambda a, b: jnp.concatenate([a, b]), history, tail)


def simulate(
    model: Model[State],
    state: State,
    key: PRNGKeyArray,
    n_steps: int = 1,
    *,
    history: bool = False,
    checkpoint: bool = False,
) -> State:
    """Apply ``model`` to ``state`` ``n_steps`` times.

    Args:
        model: A step; split over the run, ``key`` gives each application a key of its own.
        state: The initial state.
        key: The run's random key, shape (2,) or, of a typed key, ().
        n_steps: How many times, at least 1.
        history: Return the states after every step (array fields with a leading axis of length
            ``n_steps``) instead of the last one.
        checkpoint: Recompute steps in reverse mode instead of storing what they computed: memory
            grows with the square root of ``n_steps`` (with ``history``, plus the history itself),
            time by about a third to a half.

    Raises:
        JaxmorphError: If ``n_steps`` is less than 1.
    """
    if n_steps < 1:
        raise JaxmorphError(f"n_steps = {n_steps}: a simulation has at least 1 step")
    # What an instrument reads has to leave the program, which it cannot through jit.
    run = _simulate if active().hands_out else _simulate_compiled
    final = run(model, state, key, n_steps, history, checkpoint)
    if is_watched():
        tell(spoiled(final))
    return final


def _simulate(
    model: Model[State], state: State, key: PRNGKeyArray, n_steps: int, history: bool, checkpoint: bool
) -> State:
    def body(state: State, step_key: PRNGKeyArray) -> tuple[State, State | None]:
        state = model(state, key=step_key)
        return state, state if history else None

    scan = _scan_checkpointed if checkpoint else jax.lax.scan
    final, trajectory = active().scan(scan, body, state, jax.random.split(key, n_steps))
    return final if trajectory is None else trajectory


_simulate_compiled = eqx.filter_jit(_simulate)


def record(
    model: Model[State],
    state: State,
    key: PRNGKeyArray,
    n_steps: int,
    *,
    every: int,
    measure: Callable[[State], T],
) -> T:
    """Simulate and keep ``measure(state)`` of the initial state and of every ``every``-th one.

    The keys are those of :func:`simulate`: the last record equals a measurement of its final state.
    Reverse mode recomputes, as with ``checkpoint``; besides the recorded states, the memory of forward
    mode does not depend on ``n_steps``.

    Returns:
        What ``measure`` returns, arrays of shape (record, ...) with ``n_steps // every + 1`` records.

    Raises:
        JaxmorphError: If ``every`` does not divide ``n_steps``.
    """
    if every < 1 or n_steps < 1 or n_steps % every:
        raise JaxmorphError(f"record_every = {every}: must be at least 1 and divide n_steps = {n_steps}")
    if is_watched():
        measured, spoilt = _followed_record(
            model, state, key, n_steps, every, lambda state: (measure(state), spoiled(state))
        )
        tell(spoilt)
        return measured
    return _followed_record(model, state, key, n_steps, every, measure)


def _followed_record(
    model: Model[State],
    state: State,
    key: PRNGKeyArray,
    n_steps: int,
    every: int,
    measure: Callable[[State], Any],
) -> Any:
    followed = active().follow(model, state)
    if followed is None:
        return _record(model, state, key, n_steps, every, measure)

    def measure_both(pair: tuple[State, Any]) -> tuple[Any, Array]:
        return measure(pair[0]), followed.read(pair[1])

    both = state, followed.extra
    measured, reading = _record(followed.model, both, key, n_steps, every, measure_both)
    active().recorded.append(reading)
    return measured


def _record(
    model: Model[State],
    state: State,
    key: PRNGKeyArray,
    n_steps: int,
    every: int,
    measure: Callable[[State], T],
) -> T:
    def step(state: State, step_key: PRNGKeyArray) -> tuple[State, None]:
        return model(state, key=step_key), None

    def frame(state: State, frame_keys: Keys) -> tuple[State, State]:
        state, _ = _scan_checkpointed(step, state, frame_keys)
        return state, state

    keys = jax.random.split(key, n_steps)
    frames = keys.reshape(n_steps // every, every, *keys.shape[1:])
    # A single frame is cut into blocks already: another level would only compute it once more.
    frame = frame if every == n_steps else jax.checkpoint(frame, prevent_cse=False)
    _, later = jax.lax.scan(frame, state, frames)
    states = jax.tree.map(lambda first, rest: jnp.concatenate([first[None], rest]), state, later)
    return jax.lax.map(jax.checkpoint(measure, prevent_cse=False), states)
