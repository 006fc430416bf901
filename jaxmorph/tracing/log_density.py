"""The instrument that follows the log density of what a simulation draws."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..errors import JaxmorphError
from .instruments import Body, Carry, Followed, Instrument, Scan, X, Y, trace_now

Kinds = Literal["all", "choices", "bare choices"]

# Loops of a study's own that are longer are one stretch: a number of each step would fill the memory.
_LONGEST = 1024


class LogDensity(Instrument):
    """The log density of all draws and choices made through this room, held fixed.

    Args:
        of: ``all``; ``choices``: Gaussian draws are left out, and are not held fixed;
            ``bare choices``: choices that come as numbers are left out, too.

    Attributes:
        drawn: Whether any draw or choice was made.
        recorded: The log density up to each record: see :class:`Instrument`.
    """

    hands_out: ClassVar[bool] = True

    def __init__(self, of: Kinds = "all") -> None:
        super().__init__()
        self.of = of
        self.drawn = False
        self._terms: list[Array] = []
        self._stretches: list[Array] = []
        self._depth = 0
        self._place = trace_now()

    def gaussian(self, noise: Array, mean: Array | float, sd: Array | float) -> Array:
        """The draw, held fixed; where sd is 0 it is not random, and is differentiated as it is."""
        draw = super().gaussian(noise, mean, sd)
        if self.of != "all":
            return draw
        fixed = jax.lax.stop_gradient
        random = jnp.broadcast_to(jnp.asarray(sd) > 0, draw.shape)
        width = jnp.where(random, sd, 1)
        # The fixed draw minus the mean, without the cancellation of a mean much larger than sd.
        deviation = fixed(sd * noise) - (mean - fixed(jnp.asarray(mean)))
        log_density = -((deviation / width) ** 2) / 2 - jnp.log(width)
        self._add(jnp.sum(jnp.where(random, log_density, 0)))
        return jnp.where(random, fixed(draw), draw)

    def choose(self, log_probability: Float[Array, "*any"], *, bare: bool) -> None:
        if bare or self.of != "bare choices":
            self._add(jnp.sum(log_probability))

    def scan(
        self, scan: Scan[Carry, X, Y], body: Body[Carry, X, Y], carry: Carry, xs: X
    ) -> tuple[Carry, Y]:
        followed: Any = scan  # of another carry than its type says
        steps = jax.tree.leaves(xs)
        apart = self.of == "all" and not self._depth and bool(steps) and len(steps[0]) <= _LONGEST
        (carry, total), ys = followed(self._carried(body, apart), (carry, jnp.zeros(())), xs)
        ys, each = ys if apart else (ys, None)
        self._add(total, each)
        return carry, ys

    def follow(self, model: Callable[..., PyTree], state: PyTree) -> Followed:
        del state
        self._check_reach()
        body = self._carried(lambda state, key: (model(state, key=key), None))
        return Followed(lambda pair, *, key: body(pair, key)[0], jnp.zeros(()), lambda total: total)

    def at(self, n_times: int) -> Float[Array, " time"]:
        """The log density of the draws that came before each of ``n_times`` records.

        Draws outside of ``record`` count at all times. If records were not kept by one call of
        ``record``, one for each time, all draws count at all times.
        """
        always = sum(self._terms, jnp.zeros(()))
        if [kept.shape for kept in self.recorded] == [(n_times,)]:
            return always + self.recorded[0]
        return jnp.full(n_times, sum((kept[-1] for kept in self.recorded), always))

    def stretches(self, most: int) -> Float[Array, " stretch"]:
        """The log density of stretches of the simulation, one after another; together that of all draws.

        They end at records, at each step of a loop of the study's own, and after draws outside of loops.
        Of more than ``most``, consecutive ones are put together.
        """
        found = [jnp.atleast_1d(x) for x in self._stretches]
        found += [jnp.diff(kept, prepend=0) for kept in self.recorded]
        each = jnp.concatenate(found)
        size = -(-len(each) // most)
        return jnp.pad(each, (0, -len(each) % size)).reshape(-1, size).sum(axis=1)

    def _add(self, term: Float[Array, ""], stretches: Float[Array, " stretch"] | None = None) -> None:
        """Count the log density of some draws; ``stretches``: of each of several, if it is known."""
        self.drawn = True
        self._check_reach()
        self._terms.append(term)
        if not self._depth:
            self._stretches.append(term if stretches is None else stretches)

    def _check_reach(self) -> None:
        """The density of all draws is needed: an error where it cannot be handed out."""
        if trace_now() != self._place:
            raise JaxmorphError(
                "estimator = score: a random step is drawn inside a jax.jit, jax.vmap or jax.lax loop "
                "of the study's own; draw arrays at once, and use the loops of jaxmorph.simulation "
                "(record, simulate, scan)"
            )

    def _carried(
        self, body: Callable[..., tuple[Any, Any]], apart: bool = False
    ) -> Callable[..., tuple[Any, Any]]:
        """``body`` of a scan, whose carry also holds the log density; ``apart``: gives its own, too."""

        def with_density(pair: tuple[Any, Array], x: Any) -> tuple[tuple[Any, Array], Any]:
            carry, total = pair
            outer = self._terms, self._place
            self._terms, self._place = [], trace_now()
            self._depth += 1
            try:
                carry, y = body(carry, x)
                own = sum(self._terms, jnp.zeros(()))
                return (carry, total + own), (y, own) if apart else y
            finally:
                self._terms, self._place = outer
                self._depth -= 1

        return with_density
