"""How pairs are summed: chosen by the situation alone, and a fallback is never silent."""

import dataclasses
import logging
import math
import re
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from jaxtyping import Array
from support.forces import LAWS, N, Springs, close, forces_of, has_kernels, plain, points, state_of
from support.spaces import periodic_of_another

import jaxmorph as jxm
from jaxmorph.engine.program import over_batch
from jaxmorph.env.interactions import choose
from jaxmorph.env.interactions.kernels import EVERY_PAIR, NEAR_PAIRS
from jaxmorph.env.interactions.notices import without_kernel
from jaxmorph.env.interactions.situation import Situation
from jaxmorph.env.interactions.sums import BOTH_WAYS, ONCE, NeighbourLists, PairSum
from jaxmorph.env.mechanics import MorsePotential, PairPotential
from jaxmorph.native import foreign
from jaxmorph.tracing import batched_on

SMALL = Situation("force", 40, 2, "free", has_range=True, platform="cpu")


@pytest.mark.parametrize(
    ("differs", "way"),
    [
        ({}, EVERY_PAIR),
        ({"work": "values", "n_simulations": 16}, EVERY_PAIR),
        ({"work": "values", "n_simulations": 3}, NEAR_PAIRS),
        ({"work": "values", "n_simulations": 16, "n_cells": 599}, EVERY_PAIR),
        ({"work": "values", "n_simulations": 16, "n_cells": 600}, NEAR_PAIRS),
        ({"work": "tangents", "n_simulations": 16, "n_cells": 200}, NEAR_PAIRS),
        ({"work": "tangents", "n_simulations": 16, "n_cells": 200, "n_dim": 3}, EVERY_PAIR),
        ({"work": "cotangents", "n_simulations": 16, "n_cells": 9999, "has_range": False}, EVERY_PAIR),
        ({"platform": None}, ONCE),
        ({"platform": "gpu"}, BOTH_WAYS),
        ({"work": "energy"}, ONCE),
        ({"space": "periodic", "n_cells": 51}, BOTH_WAYS),
        ({"unwritable": "the operation 'sin'"}, ONCE),
        ({"array_field": "stiffness"}, BOTH_WAYS),
        ({"work": "energy", "n_cells": 200, "neighbours": 48.0}, NeighbourLists()),
    ],
)
def test_the_choice_depends_on_the_situation_alone(differs: dict[str, Any], way: PairSum) -> None:
    assert choose(SMALL._replace(**differs)) == way


# --- what has no kernel --------------------------------------------------------------------------


class Wavy(PairPotential):
    """With an operation that no kernel is written of."""

    depth: Any

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        return self.depth * jnp.sin(distance - sigma)


class Several(PairPotential):
    """With a field that is an array."""

    stiffness: Array

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        return self.stiffness[0] * (distance - sigma) ** 2


class Hidden(PairPotential):
    """With a number that no field holds: a tracer, which a method closes over."""

    depth: Any
    hidden: Any = eqx.field(static=True, default=None)

    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        return self.depth * self.hidden() * (distance - sigma) ** 2


FREE, BOX, OTHER = jxm.space.free(), jxm.space.periodic(6.0), periodic_of_another(6.0)
WITHOUT: dict[str, tuple[Callable[[Array], Any], tuple, str]] = {
    "periodic": (lambda t: MorsePotential(t[0]), BOX, "MorsePotential: .*its space is periodic"),
    "another library": (
        lambda t: Springs(t[0]),
        periodic_of_another(6.0),
        "Springs: .*another library's",
    ),
    "operation": (lambda t: Wavy(t[0]), FREE, "Wavy: .*the operation '(sin|cos)'"),
    "array": (Several, FREE, "Several: .*its field 'stiffness' is an array"),
    "closure": (lambda t: Hidden(t[0], lambda: t[1]), FREE, "Hidden: .*none of its fields"),
}


def moved_by(potential: Callable[[Array], Any], space: tuple, n_cells: int = N) -> Callable:
    def force(theta: Array, key: Array) -> Array:
        position = jax.random.uniform(key, (n_cells, 2)) * 4
        state = state_of(position, jnp.full((n_cells, 1), 0.5))
        state = dataclasses.replace(state, displacement=space[0], shift=space[1])
        return potential(theta).force_fn(state)(position)

    return force


@pytest.mark.parametrize("why", WITHOUT)
def test_what_has_no_kernel_is_summed_by_jax_and_the_log_says_why_once(
    why: str, caplog: pytest.LogCaptureFixture
) -> None:
    without_kernel.cache_clear()
    potential, space, says = WITHOUT[why]
    samples, keys = points("float32", 2)
    function = moved_by(potential, space)
    with caplog.at_level(logging.INFO, "jaxmorph"):
        assert not has_kernels(function, samples[0], keys[0])
        got = jax.jit(over_batch(function))(samples, keys)
    (line,) = (record.message for record in caplog.records if "no kernel" in record.message)
    assert re.match(says, line)
    close(got, jax.jit(lambda *a: plain(function, *a))(samples, keys), 1e-5)


def test_nothing_is_said_where_nothing_is_missed(caplog: pytest.LogCaptureFixture) -> None:
    """By one cell, without an engine, on another processor, and by laws that have kernels."""
    without_kernel.cache_clear()
    samples, keys = points("float32", 1)
    with caplog.at_level(logging.INFO, "jaxmorph"):
        alone = moved_by(lambda t: MorsePotential(t[0]), BOX, n_cells=1)
        assert not has_kernels(alone, samples[0], keys[0])
        boxed = moved_by(lambda t: MorsePotential(t[0]), BOX)
        boxed(samples[0], keys[0])
        with batched_on("gpu"):
            jax.make_jaxpr(boxed)(samples[0], keys[0])
            assert "pair_force" not in str(jax.make_jaxpr(forces_of("morse", 2))(samples[0], keys[0]))
        assert "pair_force" not in str(jax.make_jaxpr(forces_of("morse", 2))(samples[0], keys[0]))
        for name in LAWS:
            assert has_kernels(forces_of(name, 2), samples[0], keys[0]), name
    assert "no kernel" not in caplog.text


def test_with_an_interface_of_xla_that_is_not_tested_jax_sums_and_one_warning_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(foreign, "installed_version", lambda: (0, 99))
    foreign.refusal.cache_clear()
    samples, keys = points("float32", 2)
    try:
        for name in ("morse", "harmonic"):
            function = forces_of(name, 2)
            text = str(jax.make_jaxpr(over_batch(function))(samples, keys))
            assert "ffi_call" not in text and "pair_force" not in text
            got = jax.jit(over_batch(function))(samples, keys)
            close(got, jax.jit(lambda *a, f=function: plain(f, *a))(samples, keys), 1e-5)
    finally:
        foreign.refusal.cache_clear()
    assert len(caplog.records) == 1 and "version 0.99" in caplog.text


@pytest.mark.parametrize("name", ["morse", "adhesion of molecules"])
def test_a_loop_whose_length_depends_on_the_simulation_keeps_its_kernel(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    without_kernel.cache_clear()

    def end(theta: Array, key: Array) -> Array:
        force = forces_of(name, 2)

        start = jnp.zeros(()), jnp.zeros((N, 2))

        def body(x: tuple[Array, Array]) -> tuple[Array, Array]:
            return x[0] + 1, x[1] + 0.01 * force(theta + x[1].mean(), key)

        return jax.lax.while_loop(lambda x: x[0] < theta[0] * 3, body, start)[1]

    with jax.enable_x64(True), caplog.at_level(logging.INFO, "jaxmorph"):
        samples, keys = points("float64", 2)
        assert len({math.ceil(n) for n in samples[:, 0] * 3}) == 2, "both turn as often"
        assert "ffi_call" in str(jax.make_jaxpr(over_batch(end))(samples, keys))
        got = jax.jit(over_batch(end))(samples, keys)
        assert "no kernel" not in caplog.text
        close(got, jax.jit(lambda *a: plain(end, *a))(samples, keys), 1e-12)


@pytest.mark.parametrize("name", ["morse", "adhesion of molecules"])
def test_clusters_that_a_study_maps_itself_are_summed_by_jax_and_the_log_says_so(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    without_kernel.cache_clear()

    def of_three(theta: Array, key: Array) -> Array:
        factors = jnp.array([1.0, 1.1, 1.2])[:, None]
        return jax.vmap(forces_of(name, 2), (0, None))(factors * theta, key)

    with jax.enable_x64(True), caplog.at_level(logging.INFO, "jaxmorph"):
        samples, keys = points("float64", 2)
        got = jax.jit(over_batch(of_three))(samples, keys)
        assert "jax.vmap evaluates them" in caplog.text
        close(got, jax.jit(lambda *a: plain(of_three, *a))(samples, keys), 1e-12)
