"""Instruments that follow a simulation while it is traced, and leave its values as they are."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Literal, Protocol, TypeVar, overload

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jax.extend.core import get_opaque_trace_state
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ..errors import JaxmorphError
from ..gradients import differentiated_as

Carry = TypeVar("Carry")
X = TypeVar("X")
Y = TypeVar("Y")


class Instrument(Protocol):
    """Something that is carried along with the state.

    Attributes:
        recorded: What it read in each call of ``record``, shape (time,).
    """

    recorded: list[Float[Array, " time"]]

    def reaches(self) -> bool:
        """Whether what it reads in what is traced now can be handed out."""

    def follow(self, model: Callable, state: PyTree) -> tuple[Callable, PyTree, Callable]:
        """A model of the pair (state, extra), the first extra, and the reading of an extra."""


_KEPT = "jaxmorph.kept"
_active: ContextVar[Instrument | None] = ContextVar("instrument", default=None)
# Added to the probabilities that stand for choices in derivatives; None: nothing stands for them.
_nudge: ContextVar[Array | float | None] = ContextVar("nudge", default=None)
_noticed: ContextVar[list[int] | None] = ContextVar("noticed", default=None)
# Part of JAX's cache keys: a function that a study has jitted itself is traced anew under an instrument.
_in_use = jax.make_user_context(0)
_numbers = itertools.count(1)


@contextlib.contextmanager
def using(instrument: Instrument) -> Iterator[None]:
    """What is traced inside is followed by ``instrument``."""
    token = _active.set(instrument)
    try:
        with _in_use(next(_numbers)):
            yield
    finally:
        _active.reset(token)


def active() -> Instrument | None:
    """The instrument in use."""
    return _active.get()


@contextlib.contextmanager
def using_surrogates(nudge: Float[Array, ""] | float = 0.0) -> Iterator[None]:
    """What is traced inside has the surrogate derivatives of :func:`surrogate`.

    Args:
        nudge: Has the derivatives of all probabilities of choices, and no effect on values.
    """
    token = _nudge.set(nudge)
    try:
        with _in_use(next(_numbers)):
            yield
    finally:
        _nudge.reset(token)


@contextlib.contextmanager
def noticing_choices() -> Iterator[list[int]]:
    """The sizes of all choices that are made in what is traced inside."""
    noticed: list[int] = []
    token = _noticed.set(noticed)
    try:
        with _in_use(next(_numbers)):
            yield noticed
    finally:
        _noticed.reset(token)


def _place() -> Any:
    """Which JAX transformation is being traced; no number traced inside may be used outside of it."""
    return get_opaque_trace_state(convention="jaxmorph")


class LogDensity:
    """The log density of all draws and choices made through this module, held fixed.

    Args:
        of: ``all``; ``choices``: :func:`gaussian` draws are left out, and are not held fixed;
            ``bare choices``: choices that come as numbers are left out, too.

    Attributes:
        drawn: Whether any draw or choice was made.
        recorded: See :class:`Instrument`; the log density up to each record.
    """

    def __init__(self, of: Literal["all", "choices", "bare choices"] = "all") -> None:
        self.of = of
        self.drawn = False
        self.recorded: list[Float[Array, " time"]] = []
        self._terms: list[Array] = []
        self._place = _place()

    def reaches(self) -> bool:
        """See :class:`Instrument`; the density of all draws is needed, so it raises where it cannot."""
        if _place() != self._place:
            raise JaxmorphError(
                "estimator = score: a random step is drawn inside a jax.jit, jax.vmap or jax.lax loop "
                "of the study's own; draw arrays at once, and use the loops of jaxmorph.simulation "
                "(record, simulate, scan)"
            )
        return True

    def add(self, term: Float[Array, ""]) -> None:
        """Count the log density of some draws."""
        self.drawn = True
        if self.reaches():
            self._terms.append(term)

    def carried(self, body: Callable[..., tuple[Carry, Y]]) -> Callable[..., tuple]:
        """``body`` of a scan, whose carry also holds the log density."""

        def with_density(pair: tuple[Carry, Array], x: Any) -> tuple[tuple[Carry, Array], Y]:
            carry, total = pair
            outer = self._terms, self._place
            self._terms, self._place = [], _place()
            try:
                carry, y = body(carry, x)
                return (carry, sum(self._terms, total)), y
            finally:
                self._terms, self._place = outer

        return with_density

    def follow(self, model: Callable, state: PyTree) -> tuple[Callable, PyTree, Callable]:
        """See :class:`Instrument`."""
        del state
        body = self.carried(lambda state, key: (model(state, key=key), None))
        return lambda pair, *, key: body(pair, key)[0], jnp.zeros(()), lambda total: total

    def at(self, n_times: int) -> Float[Array, " time"]:
        """The log density of the draws that came before each of ``n_times`` records.

        Draws outside of ``record`` count at all times. If records were not kept by one call of
        ``record``, one for each time, all draws count at all times.
        """
        always = sum(self._terms, jnp.zeros(()))
        if [kept.shape for kept in self.recorded] == [(n_times,)]:
            return always + self.recorded[0]
        return jnp.full(n_times, sum((kept[-1] for kept in self.recorded), always))


class TangentGrowth:
    """The growth of a random unit perturbation of the state that ``record`` steps.

    The tangent is pushed through each step and normalised after it, so that it neither overflows nor
    vanishes (Benettin, Galgani, Giorgilli, Strelcyn, Meccanica 15 (1980) 9-30). It spans all
    floating-point leaves of the state: a leaf that no step changes keeps its share, and the growth then
    does not fall far below 0. ``discount_gradient`` acts on it as it does on gradients.

    Attributes:
        recorded: See :class:`Instrument`; ln (|tangent| / |first tangent|) up to each record.
    """

    def __init__(self, key: PRNGKeyArray):
        self.recorded: list[Float[Array, " time"]] = []
        self._key = key
        self._place = _place()

    def reaches(self) -> bool:
        """See :class:`Instrument`."""
        return _place() == self._place

    def follow(self, model: Callable, state: PyTree) -> tuple[Callable, PyTree, Callable]:
        """See :class:`Instrument`."""
        moving, _ = eqx.partition(state, eqx.is_inexact_array)
        leaves, structure = jax.tree.flatten(moving)
        keys = jax.random.split(self._key, max(len(leaves), 1))
        draws = [jax.random.normal(k, x.shape, x.dtype) for k, x in zip(keys, leaves, strict=False)]
        first, _ = _normalised(jax.tree.unflatten(structure, draws))

        def step(pair: tuple[PyTree, tuple[PyTree, Array]], *, key: PRNGKeyArray) -> tuple:
            state, (tangent, growth) = pair
            moving, rest = eqx.partition(state, eqx.is_inexact_array)

            def move(moving: PyTree) -> tuple[PyTree, PyTree]:
                return eqx.partition(model(eqx.combine(moving, rest), key=key), eqx.is_inexact_array)

            moving, tangent, rest = jax.jvp(move, (moving,), (tangent,), has_aux=True)
            tangent, norm = _normalised(tangent)
            return eqx.combine(moving, rest), (tangent, growth + jnp.log(norm))

        return step, (first, jnp.zeros(())), lambda extra: extra[1]


def _normalised(tangent: PyTree) -> tuple[PyTree, Float[Array, ""]]:
    """The tangent at length 1 (a zero one as it is), and its length."""
    norm = jnp.sqrt(sum((jnp.sum(x**2) for x in jax.tree.leaves(tangent)), jnp.zeros(())))
    length = jnp.where(norm > 0, norm, 1)
    return jax.tree.map(lambda x: (x / length).astype(x.dtype), tangent), norm


def gaussian(noise: Array, mean: Array | float, sd: Array | float) -> Array:
    """A Gaussian draw, mean + sd noise, that likelihood-ratio gradients know of.

    With the Gaussian steps of a model drawn here, the estimator ``score`` can differentiate the model:
    it holds the draws fixed and differentiates their log density, -(draw - mean)^2 / (2 sd^2) - ln sd,
    in the parameters instead. Where sd is 0 the draw is not random, and is differentiated as it is.
    Inside a loop use :func:`scan`, or ``record`` and ``simulate``.

    Args:
        noise: Standard normal numbers.
        mean: Broadcasts against ``noise``.
        sd: Standard deviation, at least 0, broadcasts against ``noise``.
    """
    draw = mean + sd * noise
    instrument = _active.get()
    if not isinstance(instrument, LogDensity) or instrument.of != "all":
        return draw
    fixed = jax.lax.stop_gradient
    random = jnp.broadcast_to(jnp.asarray(sd) > 0, draw.shape)
    width = jnp.where(random, sd, 1)
    # The fixed draw minus the mean, without the cancellation of a mean much larger than sd.
    deviation = fixed(sd * noise) - (mean - fixed(jnp.asarray(mean)))
    log_density = -((deviation / width) ** 2) / 2 - jnp.log(width)
    instrument.add(jnp.sum(jnp.where(random, log_density, 0)))
    return jnp.where(random, fixed(draw), draw)


@overload
def bernoulli(
    key: PRNGKeyArray, probability: Float[Array, "*any"], *, indicator: Literal[False] = False
) -> Bool[Array, "*any"]: ...


@overload
def bernoulli(
    key: PRNGKeyArray, probability: Float[Array, "*any"], *, indicator: Literal[True]
) -> Float[Array, "*any"]: ...


def bernoulli(key: PRNGKeyArray, probability: Float[Array, "*any"], *, indicator: bool = False) -> Array:
    """Independent choices, each true with its probability, that estimators of gradients know of.

    A pathwise gradient does not see a choice: what its probability depends on comes out as 0. The
    estimator ``score`` differentiates ln p of what was chosen instead; a probability of 0 or 1 is no
    choice to it. ``straight-through`` sees only an ``indicator``, whose derivative with respect to the
    probability it takes as 1, where the study calculates with it (no derivative passes a comparison).
    Inside a loop use :func:`scan`, or ``record`` and ``simulate``.

    Args:
        key: The source of randomness.
        probability: From 0 to 1.
        indicator: Whether the choices come as numbers, 1 for true and 0 for false.
    """
    fixed = jax.lax.stop_gradient
    probability = jnp.asarray(probability)
    chosen = jax.random.uniform(key, probability.shape, probability.dtype) < fixed(probability)
    random = (probability > 0) & (probability < 1)
    p = jnp.where(random, probability, 0.5)
    _choose(jnp.where(random, jnp.where(chosen, jnp.log(p), jnp.log1p(-p)), 0), bare=not indicator)
    return _as_number(chosen, probability) if indicator else chosen


@overload
def categorical(
    key: PRNGKeyArray, weights: Float[Array, " n"], *, one_hot: Literal[False] = False
) -> Int[Array, ""]: ...


@overload
def categorical(
    key: PRNGKeyArray, weights: Float[Array, " n"], *, one_hot: Literal[True]
) -> Float[Array, " n"]: ...


def categorical(key: PRNGKeyArray, weights: Float[Array, " n"], *, one_hot: bool = False) -> Array:
    """The number of one of several, with a probability that is proportional to its weight.

    To estimators, it is what :func:`bernoulli` is. Where all weights are 0, nothing can be chosen: the
    number then means nothing, and it is for the caller to look; as ``one_hot`` it is 0 everywhere.

    Args:
        key: The source of randomness.
        weights: At least 0.
        one_hot: Whether the choice comes as numbers, 1 at what was chosen and 0 elsewhere, shape (n,).
    """
    weights = jnp.asarray(weights)
    positive = weights > 0
    logarithm = jnp.log(jnp.where(positive, weights, 1))
    index = jax.random.categorical(key, jnp.where(positive, jax.lax.stop_gradient(logarithm), -jnp.inf))
    total = jnp.sum(weights)
    possible = total > 0
    divisor = jnp.where(possible, total, 1)
    _choose(jnp.where(possible, logarithm[index] - jnp.log(divisor), 0), bare=not one_hot)
    if not one_hot:
        return index
    chosen = (jnp.arange(weights.size) == index) & possible
    return _as_number(chosen, jnp.where(possible, weights / divisor, 0))


def surrogate(value: Float[Array, "*any"], by: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """``value``, whose derivative the estimator ``straight-through`` takes as that of ``by``.

    To all other estimators it is ``value`` with its own derivative. Source: Bengio, Leonard, Courville,
    arXiv:1308.3432 (2013), "straight-through".

    Args:
        value: What has no derivative of its own, such as a choice as a number.
        by: Something of the same shape and type that has one, such as its probability.
    """
    return value if _nudge.get() is None else differentiated_as(value, by)


def _as_number(chosen: Bool[Array, "*any"], probability: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """1 and 0 for choices, with the surrogate derivative 1 with respect to their probability."""
    nudge = _nudge.get()
    nudged = probability if nudge is None else probability + nudge
    return surrogate(chosen.astype(probability.dtype), nudged)


def _choose(log_probability: Array, *, bare: bool) -> None:
    """Tell who follows of choices that were made; ``bare``: no surrogate stands for them."""
    if (noticed := _noticed.get()) is not None:
        noticed.append(log_probability.size)
    instrument = _active.get()
    if isinstance(instrument, LogDensity) and (bare or instrument.of != "bare choices"):
        instrument.add(jnp.sum(log_probability))


def scan(
    body: Callable[[Carry, X], tuple[Carry, Y]], carry: Carry, xs: X, length: int | None = None
) -> tuple[Carry, Y]:
    """``jax.lax.scan``, inside which :func:`gaussian` and choices may be used.

    Reverse mode keeps the carry and what is marked by :func:`keep`, and computes all else again.
    """

    def recomputed(body: Callable, carry: Carry, xs: X) -> tuple[Carry, Y]:
        return jax.lax.scan(recompute(body), carry, xs, length=length)

    return scan_by(recomputed, body, carry, xs)


def keep(x: Array) -> Array:
    """``x`` itself; reverse mode keeps it where it computes all else of a step again.

    For what is small and leads to all else, such as the positions after each inner step.
    """
    return checkpoint_name(x, _KEPT)


def recompute(function: Callable) -> Callable:
    """``function``, of which reverse mode keeps the arguments and what is marked by :func:`keep`.

    For the body of a loop.
    """
    policy = jax.checkpoint_policies.save_only_these_names(_KEPT)
    return jax.checkpoint(function, policy=policy, prevent_cse=False)


def scan_by(
    scan: Callable, body: Callable[[Carry, X], tuple[Carry, Y]], carry: Carry, xs: X
) -> tuple[Carry, Y]:
    """The same by another function of (body, carry, xs) like it."""
    instrument = _active.get()
    if not isinstance(instrument, LogDensity):
        return scan(body, carry, xs)
    (carry, total), ys = scan(instrument.carried(body), (carry, jnp.zeros(())), xs)
    instrument.add(total)
    return carry, ys
