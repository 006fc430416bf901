"""All starts of a job, step by step, in one compiled program; what was done is kept as it comes."""

import contextlib
import json
import logging
import time
from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int
from tqdm import tqdm

from ..configuration import Estimator
from ..configuration.optimise import Optimiser, Stop
from ..configuration.optimisers import LBFGS
from ..engine import capacities, devices, program
from ..engine.batch import on_pairs
from ..engine.estimators import WantedMode
from ..engine.ways import SMOOTHING, choose_way
from ..studies import Problem
from .loss import Weights, cotangent, loss, standard_error
from .objective import Objective
from .optimisers import make_optimiser
from .paths import History, Paths, Record
from .scale import Scale

logger = logging.getLogger(__name__)

Saved = MutableMapping[tuple[int, int, int, int], list[np.ndarray]]
"""The state after a number of steps, under (0, starts, 0, steps)."""

# Steps between two returns from the program. Not a setting: programs of other lengths may differ in the
# last bits, and what goes on must not.
_TOGETHER = 10
_SAVE_EVERY_S = 30.0

STOP_REASONS = (
    "running",
    "steps",
    "target reached",
    "converged: gradient norm",
    "converged: no progress",
    "not finite",
)
"""Why a start ended, by the number that the program has for it."""
RUNNING, STEPS, REACHED, FLAT, NO_PROGRESS, NOT_FINITE = range(len(STOP_REASONS))


class DescentSettings(Protocol):
    """What a descent must know of the configuration: the keys of ``optimise`` with these names."""

    @property
    def optimiser(self) -> Optimiser: ...
    @property
    def seeds_per_step(self) -> int: ...
    @property
    def fresh(self) -> bool: ...
    @property
    def steps(self) -> int: ...
    @property
    def stop(self) -> Stop: ...


class DescentState(NamedTuple):
    """Where all starts are: arrays (start, ...)."""

    u: Float[Array, "start parameter"]
    optimiser: Any
    stopped: Int[Array, " start"]
    mean_loss: Float[Array, " start"]
    mean_gradient: Float[Array, "start parameter"]
    best: Float[Array, " start"]
    since_best: Int[Array, " start"]


def descend(
    problem: Problem,
    objective: Objective,
    points: Float[np.ndarray, "start parameter"],
    settings: DescentSettings,
    *,
    run_key: int,
    gradient: WantedMode = "auto",
    estimator: Estimator = "pathwise",
    smoothing: float = SMOOTHING,
    targets: Float[np.ndarray, "start feature"] | None = None,
    saved: Saved | None = None,
    save_every_s: float = _SAVE_EVERY_S,
) -> Paths:
    """Optimise from each of ``points``.

    Step s of every start has the seeds s k to s k + k - 1 (k seeds per step), or 0 to k - 1 if they are
    fixed, of a key that no other simulation of the run has: the numbers depend on nothing else.

    Args:
        problem: The study with the free parameters and the observables of the objective.
        objective: What is minimised.
        points: Parameter values at the starts.
        settings: The configuration.
        run_key: The run's random key.
        gradient: As of ``engine.evaluate``; so are the next two.
        estimator: What stands for the gradient of a simulation.
        smoothing: Width of the Gaussian of ``smoothed``.
        targets: Of each start its own targets, in place of the objective's.
        saved: The state after so many steps, by ``(0, starts, 0, steps)``; taken up from the last, and
            written as it goes.
        save_every_s: Seconds between two of them.

    Raises:
        JaxmorphError: If the study raises, or Optax refuses a setting.
    """
    way = choose_way(problem, gradient, estimator, smoothing, run_key)
    scale = Scale(problem.distributions)
    kind = program.dtype(problem)
    n = len(points)
    given = np.broadcast_to(objective.target, (n, objective.target.size)) if targets is None else targets
    seeds = np.arange(settings.seeds_per_step)
    starts = np.asarray(points, kind)
    history = History(n, settings.steps, len(problem.names), kind)
    with on_pairs(problem, way.single, starts, seeds, run_key, way.simulates) as (mapped, keys):
        y = jnp.asarray(given, kind)
        step = _Step(problem, objective, settings, way.single, mapped, run_key, scale)
        state = step.initial(jnp.asarray(scale.unconstrained(np.asarray(points, float)), kind))
        state, done = _take_up(saved, state, history)

        def compiled() -> Callable:
            arguments = (state, jnp.int32(0), y)
            return capacities.lower(step.advance, arguments, starts, keys).compile()

        advance = compiled()
        progress = _DescentProgress(settings.steps, done, n)
        written = time.monotonic()
        while done <= settings.steps and np.any(np.asarray(state.stopped) == RUNNING):
            after, records = advance(state, jnp.int32(done), y)
            if step.outgrown(state, after, records, done):
                advance = compiled()
                continue
            state = after
            history.put(done, records)
            done += _TOGETHER
            progress(done, state)
            if saved is not None and time.monotonic() - written >= save_every_s:
                _save(saved, n, done, state, history)
                written = time.monotonic()
        stopped = np.asarray(state.stopped)
        values = np.asarray(scale.parameter(jnp.asarray(history.u)))
    return history.paths(values, stopped)


class _Step:
    """The program: one step of all starts, and ten of them."""

    def __init__(
        self,
        problem: Problem,
        objective: Objective,
        settings: DescentSettings,
        single: Callable,
        mapped: Callable,
        run_key: int,
        scale: Scale,
    ):
        self._objective, self._settings, self._scale = objective, settings, scale
        self._key = program.key_apart(jax.random.PRNGKey(run_key), "optimisation")
        self._optimiser = make_optimiser(settings.optimiser)
        self._searches = settings.optimiser.name == LBFGS
        # A line search maps over starts itself.
        over_seeds = jax.vmap(single, (None, 0))
        self._mapped = (
            jax.vmap(over_seeds, (0, None)) if self._searches else devices.over_devices(mapped)
        )
        self._unbiased = settings.fresh and settings.seeds_per_step > 1 and problem.study.is_stochastic
        # Averages over steps are for losses whose noise differs from step to step.
        averages = settings.fresh and problem.study.is_stochastic
        self._share = 2 / (settings.stop.patience + 1) if averages else 1.0
        self._rules_from = settings.stop.patience - 1 if averages else 0
        kind = program.dtype(problem)
        self._weights = [jnp.asarray(x, kind) for x in (objective.curvature, objective.slope)]

    def initial(self, u: Array) -> DescentState:
        """Before the first step."""
        n = len(u)
        zero = jnp.zeros(n, u.dtype)
        return DescentState(
            u,
            jax.vmap(self._optimiser.init)(u),
            jnp.full(n, RUNNING, jnp.int32),
            zero,
            jnp.zeros_like(u),
            jnp.full(n, jnp.inf, u.dtype),
            jnp.zeros(n, jnp.int32),
        )

    def advance(self, state: DescentState, first: Array, y: Array) -> tuple[DescentState, Record]:
        """Ten steps from ``first`` on, of those that are left and while a start runs."""
        nothing = jax.eval_shape(self._step, state, first, y)[1]

        def skip(state: DescentState, s: Array) -> tuple[DescentState, Record]:
            return state, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), nothing)

        def step(state: DescentState, s: Array) -> tuple[DescentState, Record]:
            needed = (s <= self._settings.steps) & jnp.any(state.stopped == RUNNING)
            return jax.lax.cond(needed, lambda t: self._step(t, s, y), lambda t: skip(t, s), state)

        return jax.lax.scan(step, state, first + jnp.arange(_TOGETHER, dtype=jnp.int32))

    def outgrown(self, before: DescentState, after: DescentState, records: Record, first: int) -> bool:
        """Whether a buffer was too small for a start that has stopped; it is larger then."""
        failed = np.asarray((after.stopped == NOT_FINITE) & (before.stopped == RUNNING))
        larger = False
        for i in np.flatnonzero(failed):
            place = np.flatnonzero(np.asarray(records.running)[:, i])[-1]
            theta = np.asarray(self._scale.parameter(records.u[place, i]))
            keys = np.asarray(self._keys(jnp.int32(first + place)))
            nothing = np.full((1, len(keys)), np.nan)
            larger |= capacities.outgrown(theta[None], keys, [nothing])
        return larger

    def _step(self, state: DescentState, s: Array, y: Array) -> tuple[DescentState, Record]:
        keys = self._keys(s)
        running = state.stopped == RUNNING
        value, se, gradient = self._evaluate(state.u, keys, y)
        state = self._judge(state, s, value, gradient)
        goes_on = running & (state.stopped == RUNNING)
        record = Record(state.u, value, se, jnp.linalg.norm(gradient, axis=-1), running)

        def updated(u: Array, optimiser: Any, y: Array, value: Array, gradient: Array, on: Array) -> Any:
            def of(x: Array) -> Array:
                return jnp.where(on, self._value(x, keys, y), 0)

            # What a start that has stopped would do is not used; zeros keep a line search short.
            gradient, value = jnp.where(on, gradient, 0), jnp.where(on, value, 0)
            return self._optimiser.update(
                gradient, optimiser, u, value=value, grad=gradient, value_fn=of
            )

        updates, optimiser = jax.vmap(updated)(state.u, state.optimiser, y, value, gradient, goes_on)
        moves = goes_on & (s < self._settings.steps)

        def moved(new: Array, old: Array) -> Array:
            return jnp.where(moves.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        return state._replace(
            u=moved(optax.apply_updates(state.u, updates), state.u),
            optimiser=jax.tree.map(moved, optimiser, state.optimiser),
            stopped=jnp.where(goes_on & ~moves, STEPS, state.stopped),
        ), record

    def _keys(self, s: Array) -> Array:
        k = self._settings.seeds_per_step
        numbers = jnp.arange(k, dtype=jnp.uint32)
        if self._settings.fresh:
            numbers = numbers + k * s.astype(jnp.uint32)
        return jax.vmap(lambda i: jax.random.fold_in(self._key, i))(numbers)

    def _judge(self, state: DescentState, s: Array, value: Array, gradient: Array) -> DescentState:
        """Which starts stop here, and why."""
        rules = self._settings.stop
        a = jnp.asarray(self._share, value.dtype)
        mean_loss = (1 - a) * state.mean_loss + a * value
        mean_gradient = (1 - a) * state.mean_gradient + a * gradient
        # As Adam's averages: without the zeros from which they began.
        whole = 1 - (1 - a) ** (s + 1)
        average, norm = mean_loss / whole, jnp.linalg.norm(mean_gradient / whole, axis=-1)
        better = average < state.best - (rules.tolerance or 0.0)
        since = jnp.where(better, 0, state.since_best + 1)
        asked = s >= self._rules_from
        verdict = state.stopped
        for applies, met, reason in (
            (rules.tolerance is not None, since >= rules.patience, NO_PROGRESS),
            (rules.gradient_norm is not None, norm <= (rules.gradient_norm or 0), FLAT),
            (rules.loss is not None, average <= (rules.loss or 0), REACHED),
        ):
            if applies:
                verdict = jnp.where(asked & met, reason, verdict)
        finite = jnp.isfinite(value) & jnp.isfinite(gradient).all(-1)
        verdict = jnp.where(finite, verdict, NOT_FINITE)
        return state._replace(
            stopped=jnp.where(state.stopped == RUNNING, verdict, state.stopped),
            mean_loss=mean_loss,
            mean_gradient=mean_gradient,
            best=jnp.where(better, average, state.best),
            since_best=since,
        )

    def _evaluate(self, u: Array, keys: Array, y: Array) -> tuple[Array, Array, Array]:
        """Loss, its standard error and its gradient in u, of all starts."""
        value, slopes = self._simulate(u, keys)
        features = self._objective.features(value)
        weights = Weights(self._weights[0], y, self._weights[1])
        pull = cotangent(features, weights, unbiased=self._unbiased)
        per_feature = self._objective.features(jnp.moveaxis(slopes, -1, 2))
        gradient = jnp.einsum("srpf,srf->sp", per_feature, pull) * self._scale.derivative(u)
        value = loss(features, weights, unbiased=self._unbiased)
        se = jnp.full_like(value, jnp.nan)
        if self._settings.seeds_per_step > 1:
            se = standard_error(features, weights)
        return value, se, gradient

    def _simulate(self, u: Array, keys: Array) -> tuple[Array, Array]:
        """Values (start, seed, time, observable) and gradients (..., parameter) of all starts."""
        n = len(u)
        theta = self._scale.parameter(u)
        more = devices.per_device(n) - n if not self._searches else 0
        filled = jnp.concatenate([theta, jnp.repeat(theta[-1:], more, axis=0)])
        value, gradient, *_ = self._mapped(filled, keys)
        return value[:n], gradient[:n]

    def _value(self, u: Array, keys: Array, y: Array) -> Array:
        """The loss of one start, whose derivative is the engine's gradient."""

        @jax.custom_jvp
        def value(u: Array) -> Array:
            return self._evaluate(u[None], keys, y[None])[0][0]

        @value.defjvp
        def _(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
            value, _, gradient = self._evaluate(primals[0][None], keys, y[None])
            return value[0], gradient[0] @ tangents[0]

        return value(u)


def _take_up(saved: Saved | None, state: DescentState, history: History) -> tuple[DescentState, int]:
    """The state after the last step that was saved and is whole; else ``state``, after none."""
    for place in sorted(saved or (), key=lambda place: -place[3]):
        with contextlib.suppress(KeyError):
            assert saved is not None
            sizes, *arrays = saved[place]
            leaves, structure = jax.tree.flatten(state)
            for mine, kept in zip(history.arrays, arrays[len(leaves) :], strict=True):
                mine[...] = kept
            capacities.restore(json.loads(sizes.tobytes()))
            pairs = zip(arrays, leaves, strict=False)
            logger.info("resuming after %d steps", place[3])
            return jax.tree.unflatten(structure, [jnp.asarray(a, x.dtype) for a, x in pairs]), place[3]
    return state, 0


def _save(saved: Saved, n: int, done: int, state: DescentState, history: History) -> None:
    """Keep the state after ``done`` steps, with the sizes of buffers; and then no earlier one."""
    before = list(saved)
    sizes = np.frombuffer(json.dumps(capacities.sizes()).encode(), np.uint8)
    leaves = map(np.asarray, jax.tree.leaves(state))
    saved[0, n, 0, done] = [sizes, *leaves, *history.arrays]
    for place in before:
        if place != (0, n, 0, done):
            del saved[place]


class _DescentProgress:
    """Writes to the log how far the starts are."""

    def __init__(self, steps: int, before: int, n: int, every: float = 2.0):
        self._steps, self._before, self._n, self._every = steps, before, n, every
        self._start = self._last = time.monotonic()

    def __call__(self, done: int, state: DescentState) -> None:
        stopped = np.asarray(state.stopped)
        now = time.monotonic()
        if now - self._last < self._every and np.any(stopped == RUNNING):
            return
        self._last = now
        at = min(done, self._steps)
        elapsed = now - self._start
        meter = tqdm.format_meter(at, self._steps, elapsed, unit=" step", ncols=80, initial=self._before)
        logger.info("%s; %d of %d starts go on", meter, np.sum(stopped == RUNNING), self._n)
