"""Instruments follow a simulation while it is traced: what it draws, chooses and steps.

Without one, a simulation is what it says. With one (:func:`using`), the functions of this room that
the simulation calls ask it what to do.
"""

import contextlib
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeVar

from jax.extend.core import get_opaque_trace_state
from jaxtyping import Array, Bool, Float, PyTree

from .contexts import TraceContext

Carry = TypeVar("Carry")
X = TypeVar("X")
Y = TypeVar("Y")
Body = Callable[[Carry, X], tuple[Carry, Y]]
Scan = Callable[[Body[Carry, X, Y], Carry, X], tuple[Carry, Y]]


class Followed(NamedTuple):
    """How an instrument follows a model from state to state.

    Attributes:
        model: The model of the pair (state, extra).
        extra: What is carried along with the first state.
        read: The number that is recorded of an extra.
    """

    model: Callable[..., PyTree]
    extra: PyTree
    read: Callable[[Any], Float[Array, ""]]


class Instrument:
    """One that leaves everything as it is; subclass it, and override what is to be followed.

    Attributes:
        hands_out: Whether it keeps numbers of what is traced, which no ``jax.jit`` must come between.
        recorded: What it read in each call of ``record``, shape (time,).
    """

    hands_out: ClassVar[bool] = False

    def __init__(self) -> None:
        self.recorded: list[Float[Array, " time"]] = []

    def gaussian(self, noise: Array, mean: Array | float, sd: Array | float) -> Array:
        """The draw ``mean + sd noise``."""
        return mean + sd * noise

    def choose(self, log_probability: Float[Array, "*any"], *, bare: bool) -> None:
        """Take note of choices by their log probability; ``bare``: they do not come as numbers."""

    def number(
        self, chosen: Bool[Array, "*any"], probability: Float[Array, "*any"]
    ) -> Float[Array, "*any"]:
        """1 and 0 for choices that were made with ``probability``."""
        return chosen.astype(probability.dtype)

    def surrogate(self, value: Float[Array, "*any"], by: Float[Array, "*any"]) -> Float[Array, "*any"]:
        """``value``, for which ``by`` may stand in derivatives."""
        del by
        return value

    def scan(
        self, scan: Scan[Carry, X, Y], body: Body[Carry, X, Y], carry: Carry, xs: X
    ) -> tuple[Carry, Y]:
        """The loop ``scan(body, carry, xs)``."""
        return scan(body, carry, xs)

    def follow(self, model: Callable[..., PyTree], state: PyTree) -> Followed | None:
        """How it follows ``model`` from ``state`` on; None: not at all."""
        del model, state
        return None


class ChoicesNoticed(Instrument):
    """Whether a simulation makes discrete choices.

    Attributes:
        any: Whether it has made some.
    """

    def __init__(self) -> None:
        super().__init__()
        self.any = False

    def choose(self, log_probability: Float[Array, "*any"], *, bare: bool) -> None:
        del log_probability, bare
        self.any = True


_instrument: TraceContext[Instrument] = TraceContext("instrument", Instrument())


def using(instrument: Instrument) -> contextlib.AbstractContextManager[None]:
    """What is traced inside is followed by ``instrument``."""
    return _instrument.set(instrument)


def active() -> Instrument:
    """The instrument in use."""
    return _instrument.get()


def trace_now() -> Any:
    """Which JAX transformation is being traced; no number traced inside may be used outside of it."""
    return get_opaque_trace_state(convention="jaxmorph")
