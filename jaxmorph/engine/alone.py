"""Simulations by themselves: by plain JAX, one after the other, no operation fused with another.

Neither batches nor the engine's own code take part, so what rounding decides in the program of a batch
is decided here in another way. XLA, asked for few optimisations, rounds after every operation; in a
fused kernel x y - z z becomes one multiply-add, which rounds once, and x x - x x is not 0.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from ..studies import Problem
from . import capacities, program
from .compiler import unfused_options
from .failures import blaming
from .moved_constants import with_moved_constants
from .program import GradientMode, Gradients, Values

ValuesOf = Callable[[Float[Array, " parameter"]], Values]
Differentiate = Callable[[ValuesOf, Float[Array, " parameter"]], tuple[Array, ...]]
"""What is computed of a simulation's values as a function of its parameters, and where."""


def with_fixed_parameters(problem: Problem) -> Problem:
    """The same problem with its fixed parameters behind those that vary: values stay the same."""
    declared = {p.name: p for p in problem.study.parameters}
    more = tuple(declared[name] for name in problem.fixed)
    return dataclasses.replace(problem, varied=(*problem.varied, *more), fixed={})


def values_and_gradients(n: int, mode: GradientMode = "forward") -> Differentiate:
    """Of a function of the parameters: values, and gradients in the first ``n``."""
    jacobian = jax.jacfwd if mode == "forward" else jax.jacrev

    def differentiate(values: ValuesOf, theta: Array) -> tuple[Values, Gradients]:
        def twice(moved: Array) -> tuple[Values, Values]:
            value = values(jnp.concatenate([moved, theta[n:]]))
            return value, value

        gradient, value = jacobian(twice, has_aux=True)(theta[:n])
        return value, gradient

    return differentiate


def values_alone(n: int) -> Differentiate:
    """Of a function of the parameters: values."""
    del n
    return lambda values, theta: (values(theta),)


def pulled_back(n: int, weight: Float[np.ndarray, "time observable"]) -> Differentiate:
    """The gradient of a weighted sum of a function of the parameters, in reverse mode."""

    def differentiate(values: ValuesOf, theta: Array) -> tuple[Float[Array, " parameter"]]:
        _, pullback = eqx.filter_vjp(
            lambda moved: values(jnp.concatenate([moved, theta[n:]])), theta[:n]
        )
        return (pullback(weight)[0],)

    return differentiate


def each_alone(
    problem: Problem,
    differentiate: Differentiate,
    samples: Float[np.ndarray, "pair parameter"],
    keys: UInt32[np.ndarray, "pair 2"],
    seeds: np.ndarray,
    constants_moved: bool = False,
) -> list[np.ndarray]:
    """``differentiate(values, theta)`` of each pair of a sample and a key: leaves (pair, ...).

    Args:
        problem: The study, what varies and what is measured.
        differentiate: What is computed of the function from parameters to values.
        samples: Values of the varied parameters.
        keys: The key of each pair.
        seeds: Its seed's number.
        constants_moved: Whether the constants of the study are off by a unit in the last place.
    """

    def single(function: Differentiate) -> Callable[[Array, Array], Any]:
        def alone(theta: Float[Array, "1 parameter"], key: UInt32[Array, "1 2"]) -> Any:
            def values(t: Float[Array, " parameter"]) -> Values:
                return program.values(problem, t, key[0])

            result = function(with_moved_constants(values) if constants_moved else values, theta[0])
            return jax.tree.map(lambda x: x[None, None], result)

        return alone

    samples = np.asarray(samples, program.dtype(problem))
    derivative, simulates = single(differentiate), single(lambda values, theta: (values(theta),))
    compiled, answers = None, []
    with (
        program.precision(problem),
        capacities.allowing_buffers(capacities.Capacities(simulates)),
        blaming(problem, simulates, samples, keys, seeds),
    ):
        places, i = [slice(i, i + 1) for i in range(len(samples))], 0
        while i < len(places):
            theta, key = samples[places[i]], keys[places[i]]
            if compiled is None:
                lowered = capacities.lower(derivative, (theta, key), samples, keys[:1])
                compiled = lowered.compile(unfused_options())
            leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(compiled(theta, key))]
            if capacities.outgrown(theta, key, leaves):
                compiled = None
                continue
            answers.append([leaf[0, 0] for leaf in leaves])
            i += 1
    return [np.stack(leaf) for leaf in zip(*answers, strict=True)]
