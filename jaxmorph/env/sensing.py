"""Rates as functions of what a cell senses: chemicals, radius, pressure, or any state field."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ..errors import JaxmorphError
from ..steps import SimulationStep, State
from .fields import FieldName, columns, with_field

Number = float | Float[Array, ""] | Float[Array, " input"]


class Response(eqx.Module):
    """A function of what each cell senses."""

    @abc.abstractmethod
    def __call__(self, sensed: Float[Array, "cell input"]) -> Float[Array, "cell output"]:
        """The response of each cell, in units of ``lowest`` and ``highest``."""


class Hill(Response):
    """lowest + (highest - lowest) times the product over inputs of Hill functions.

    An input c that activates gives c^n / (K^n + c^n), one that represses K^n / (K^n + c^n). What is
    below 0 counts as 0. One output.

    Source: Hill, J. Physiol. 40 (1910); the product is that of inputs which bind independently.

    Attributes:
        threshold: K, above 0, in units of the input; one number, or one per input.
        exponent: n, above 0; one number, or one per input. Below 1 the slope at c = 0 is infinite.
        represses: Whether inputs repress; one truth value, or one per input.
        lowest: The response to nothing that activates.
        highest: The response to everything that activates.
    """

    threshold: Number = 1.0
    exponent: Number = 2.0
    represses: bool | tuple[bool, ...] = eqx.field(default=False, static=True)
    lowest: float | Float[Array, ""] = 0.0
    highest: float | Float[Array, ""] = 1.0

    def __call__(self, sensed: Float[Array, "cell input"]) -> Float[Array, "cell 1"]:
        n_inputs = sensed.shape[1]
        for name in ("threshold", "exponent", "represses"):
            shape = np.shape(getattr(self, name))
            if shape not in ((), (n_inputs,)):
                raise JaxmorphError(
                    f"{name} of shape {shape}: the Hill function has {n_inputs} inputs; give one value, "
                    "or one for each"
                )
        ratio = jnp.maximum(sensed, 0) / self.threshold
        # Powers of numbers up to 1 only: none is too large.
        low = jnp.minimum(ratio, 1) ** self.exponent
        high = (1 / jnp.maximum(ratio, 1)) ** self.exponent
        below = ratio <= 1
        bound, free = jnp.where(below, low, 1), jnp.where(below, 1, high)
        share = jnp.where(jnp.asarray(self.represses), free, bound) / (bound + free)
        return self.lowest + (self.highest - self.lowest) * jnp.prod(share, axis=1, keepdims=True)


class Logistic(Response):
    """lowest + (highest - lowest) / (1 + exp(-(W c + b))).

    Attributes:
        weights: W, shape (output, input), 1 / units of the input.
        bias: b, one number, or shape (output,).
        lowest: The response far below.
        highest: The response far above; one number, or shape (output,), as ``lowest``.
    """

    weights: Float[Array, "output input"]
    bias: float | Array = 0.0
    lowest: float | Array = 0.0
    highest: float | Array = 1.0

    def __call__(self, sensed: Float[Array, "cell input"]) -> Float[Array, "cell output"]:
        weights = jnp.asarray(self.weights)
        if weights.ndim != 2 or weights.shape[1] != sensed.shape[1]:
            raise JaxmorphError(
                f"weights of shape {weights.shape}: must be (output, {sensed.shape[1]}), a column for "
                "each input"
            )
        argument = jnp.matmul(sensed, weights.T, precision=jax.lax.Precision.HIGHEST) + self.bias
        return self.lowest + (self.highest - self.lowest) * jax.nn.sigmoid(argument)


class Network(Response):
    """lowest + (highest - lowest) / (1 + exp(-network(c))).

    Attributes:
        network: Maps what one cell senses, (input,), to (output,); for example an ``eqx.nn.MLP``.
        lowest: The lowest response.
        highest: The highest response; one number, or shape (output,), as ``lowest``.
    """

    network: Any
    lowest: float | Array = 0.0
    highest: float | Array = 1.0

    def __call__(self, sensed: Float[Array, "cell input"]) -> Float[Array, "cell output"]:
        expected = getattr(self.network, "in_size", sensed.shape[1])
        if expected != sensed.shape[1]:
            raise JaxmorphError(f"the network has {expected} inputs, and cells sense {sensed.shape[1]}")
        share = jax.nn.sigmoid(jax.vmap(self.network)(sensed))
        return self.lowest + (self.highest - self.lowest) * share


class Sensing(SimulationStep):
    """Sets a state field of living cells to a response to others.

    Attributes:
        inputs: State fields that are sensed, or columns of them: ``("radius", ("chemical", 0))``.
        output: The state field that is set, for example ``division_rate`` or ``secretion``.
        response: :class:`Hill`, :class:`Logistic`, :class:`Network`, or a function like them; it has one
            output for each column of the field.
    """

    inputs: tuple[FieldName, ...] = eqx.field(static=True)
    output: str = eqx.field(static=True)
    response: Response

    def __check_init__(self) -> None:
        if not isinstance(self.inputs, tuple) or not self.inputs:
            raise JaxmorphError(
                f'inputs = {self.inputs!r}: must be a tuple of one or more state fields: ("chemical",)'
            )

    @jax.named_scope("jaxmorph.Sensing")
    def __call__(self, state: State, *, key: PRNGKeyArray | None = None) -> State:
        del key
        sensed = columns(self, state, self.inputs)
        return with_field(self, state, self.output, self.response(sensed))
