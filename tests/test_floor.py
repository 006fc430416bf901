"""What a benchmark counts in a compiled program, against programs whose operations are known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend import core

from benchmarks import profile
from benchmarks.competitors import engine
from benchmarks.floor import floor
from benchmarks.kernels import Kernel, Module
from benchmarks.rates import Rates
from benchmarks.task import Task
from jaxmorph import BaseCellState, space
from jaxmorph.engine.program import over_batch
from jaxmorph.env.mechanics import PairPotential

X = np.linspace(0.5, 1.0, 1000, dtype=np.float32)
RATES = Rates(
    {"plain": 1e9, "divide": 1e8, "sqrt": 1e8, "transcendental": 1e7},
    ((1e3, 2e9), (1e6, 4e9), (1e9, 1e9)),
    1e-6,
)


def compiled(function: Callable, *arguments: Any) -> Any:
    return jax.jit(function).lower(*arguments).compile()


def kernels(function: Callable, *arguments: Any) -> list[Kernel]:
    return Module(compiled(function, *arguments).as_text()).kernels()


def total(found: list[Kernel]) -> Counter:
    operations: Counter = Counter()
    for kernel in found:
        operations.update({k: kernel.launches * n for k, n in kernel.operations.items()})
    return operations


def test_a_product_of_matrices() -> None:
    a, b = np.ones((30, 50), np.float32), np.ones((50, 70), np.float32)
    found = kernels(jnp.matmul, a, b)
    assert total(found) == {"plain": 2 * 30 * 50 * 70}
    assert sum(k.bytes for k in found) == 4 * (30 * 50 + 50 * 70 + 30 * 70)


def test_a_loop_counts_as_often_as_it_turns() -> None:
    def function(x: jax.Array, y: jax.Array, z: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda c, _: (c * y + z, None), x, length=40)[0]

    # Its counter is one of XLA's own operations.
    (body,) = (k for k in kernels(function, X, X, X) if len(X) <= sum(k.operations.values()))
    assert (body.launches, body.operations, body.bytes) == (40, {"plain": 2000}, 4 * 4000)
    once = compiled(function, X, X, X).cost_analysis()["flops"]
    assert once < 3000  # what XLA says of the same program


def test_a_loop_in_a_loop() -> None:
    def inner(x: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, 7, lambda _, x: jnp.sort(x * x), x)

    def function(x: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, 5, lambda _, x: jnp.exp(inner(x)), x)

    found = total(kernels(function, X))
    assert found["transcendental"] == 5 * 1000 and 35_000 <= found["plain"] <= 35_100


def test_operations_by_class_are_those_that_xla_counts() -> None:
    def function(x: jax.Array, y: jax.Array) -> jax.Array:
        r = jnp.sqrt(x * x + y * y)
        return jnp.where(r > 0.7, jnp.exp(-r) / r, jnp.log(x + y)).sum()

    program = compiled(function, X, X[::-1].copy())
    found = total(Module(program.as_text()).kernels())
    cost = program.cost_analysis()
    assert sum(found.values()) == cost["flops"] + cost["transcendentals"]
    # XLA sums in parts of equal size, with some zeros.
    assert found.pop("plain") == pytest.approx(7 * 1000 + 999, rel=0.01)
    assert found == {"sqrt": 1000, "divide": 1000, "transcendental": 2000}


def test_of_a_table_only_what_is_read_and_written_counts() -> None:
    table = np.ones((500, 100), np.float32)

    def function(table: jax.Array) -> jax.Array:
        def turn(i: jax.Array, table: jax.Array) -> jax.Array:
            row = jax.lax.dynamic_index_in_dim(table, i, keepdims=False)
            return jax.lax.dynamic_update_index_in_dim(table, jnp.exp(row), i + 1, 0)

        return jax.lax.fori_loop(0, 499, turn, table)

    (body,) = (k for k in kernels(function, table) if "transcendental" in k.operations)
    assert body.operations["transcendental"] == 100 and body.launches == 499
    assert 800 <= body.bytes < 900  # a row in, a row out, places


GPU = """HloModule jit_f, is_scheduled=true

%add.1 (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %add.2 = f32[] add(%a, %b)
}

%fused (p: f32[64,32]) -> f32[64] {
  %p = f32[64,32]{1,0} parameter(0)
  %zero = f32[] constant(0)
  %square = f32[64,32]{1,0} multiply(%p, %p)
  ROOT %sum = f32[64]{0} reduce(%square, %zero), dimensions={1}, to_apply=%add.1
}

%buffer (q: f32[64,32]) -> f32[64,32] {
  %q = f32[64,32]{1,0} parameter(0)
  %w = f32[32,32]{1,0} constant({...})
  %gemm = (f32[64,32]{1,0}, s8[4194304]{0}) custom-call(%q, %w), custom_call_target="__cublas$gemm", \
backend_config={"gemm_backend_config":{"dot_dimension_numbers":{"lhs_contracting_dimensions":["1"]}}}
  %first = f32[64,32]{1,0} get-tuple-element(%gemm), index=0
  %norm = f32[64]{0} fusion(%first), kind=kInput, calls=%fused, metadata={op_name="jit(f)/reduce_sum"}
  ROOT %copy.1 = f32[64,32]{1,0} copy(%first)
}

%body (s: (s32[], f32[64,32])) -> (s32[], f32[64,32]) {
  %s = (s32[], /*index=1*/f32[64,32]{1,0}) parameter(0)
  %i = s32[] get-tuple-element(%s), index=0
  %x = f32[64,32]{1,0} get-tuple-element(%s), index=1
  %call.1 = f32[64,32]{1,0} call(%x), to_apply=%buffer
  ROOT %t = (s32[], f32[64,32]{1,0}) tuple(%i, %call.1)
}

%cond (s.1: (s32[], f32[64,32])) -> pred[] {
  %s.1 = (s32[], f32[64,32]{1,0}) parameter(0)
  ROOT %true = pred[] constant(true)
}

ENTRY %main (x.1: f32[64,32]) -> f32[64,32] {
  %x.1 = f32[64,32]{1,0} parameter(0)
  %n = s32[] constant(0)
  %t.1 = (s32[], f32[64,32]{1,0}) tuple(%n, %x.1)
  %while.1 = (s32[], f32[64,32]{1,0}) while(%t.1), condition=%cond, body=%body, \
backend_config={"known_trip_count":{"n":"20"}}
  ROOT %last = f32[64,32]{1,0} get-tuple-element(%while.1), index=1
}
"""


def test_the_kernels_of_a_gpu_in_a_loop_and_in_a_command_buffer() -> None:
    found = {k.name: k for k in Module(GPU).kernels()}
    assert list(found) == ["gemm", "norm", "copy.1"]
    assert {k.launches for k in found.values()} == {20}
    assert found["gemm"].operations == {"plain": 2 * 64 * 32 * 32}
    assert found["gemm"].bytes == 4 * (2 * 64 * 32 + 32 * 32)  # without the library's scratch
    assert found["norm"].operations == {"plain": 64 * 32 + 64 * 31}
    assert found["norm"].bytes == 4 * (64 * 32 + 64)
    assert found["norm"].origin == "jit(f)/reduce_sum"


def test_the_floor_is_the_sum_over_kernels_of_what_bounds_each() -> None:
    least = floor(
        [
            Kernel("tiny", 10, {"plain": 10.0}, 100.0, ""),  # 1 us to launch
            Kernel("busy", 2, {"plain": 1e4, "transcendental": 1e3}, 1e3, ""),  # 10 + 100 us
            Kernel("cached", 5, {}, 8e4, ""),  # the best bandwidth of as many bytes or more: 20 us
            Kernel("large", 1, {"divide": 1.0}, 1e10, ""),  # 10 s
        ],
        RATES,
    )
    assert least.seconds == pytest.approx(10e-6 + 220e-6 + 100e-6 + 10)
    assert least.terms["launches"] == pytest.approx(18e-6) and least.launches == 18
    assert least.terms["arithmetic"] == pytest.approx(10 * 1e-8 + 220e-6 + 1e-8)
    assert least.bound == "bytes" and sum(least.shares.values()) == pytest.approx(1)


MOVES = {"bitcast_convert_type", "broadcast_in_dim", "concatenate", "convert_element_type", "copy"}
MOVES |= {"dynamic_slice", "dynamic_update_slice", "gather", "iota", "pad", "reshape", "rev", "slice"}
MOVES |= {"squeeze", "transpose"}


def traced(jaxpr: core.Jaxpr, times: int = 1) -> float:
    """Operations of a program before XLA has seen it: one for each element that is computed."""
    n = 0.0
    for eqn in jaxpr.eqns:
        inner = [p for p in eqn.params.values() if isinstance(p, core.Jaxpr | core.ClosedJaxpr)]
        for body in inner:
            closed = body.jaxpr if isinstance(body, core.ClosedJaxpr) else body
            n += traced(closed, times * eqn.params.get("length", 1))
        if inner or eqn.primitive.name in MOVES:
            continue
        of_result = math.prod(eqn.outvars[0].aval.shape)  # type: ignore[attr-defined]
        of_operand = math.prod(eqn.invars[0].aval.shape) if eqn.invars else 0  # type: ignore[attr-defined]
        if eqn.primitive.name == "dot_general":
            (contracted, _), _ = eqn.params["dimension_numbers"]
            shape = eqn.invars[0].aval.shape  # type: ignore[attr-defined]
            of_result *= 2 * math.prod(shape[i] for i in contracted)
        elif eqn.primitive.name.startswith("reduce_"):
            of_result = of_operand - of_result
        n += times * of_result
    return n


def test_a_study_has_the_operations_that_were_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """XLA leaves some out, and computes some twice."""
    programs = []

    def watched(function: Callable) -> Callable:
        def over(samples: jax.Array, keys: jax.Array) -> Any:
            programs.append(jax.make_jaxpr(function)(samples, keys))
            return function(samples, keys)

        return over

    monkeypatch.setattr("jaxmorph.engine.pieces.over_devices", watched)
    built = engine.build(Task(steps=5, samples=2, seeds=16, over_time=True), "none")
    in_jaxpr = traced(programs[-1].jaxpr)
    compiled_to = sum(total(Module(built.text).kernels()).values())
    assert 0.7 < compiled_to / in_jaxpr < 1.2


def test_a_kernel_of_our_own_has_the_operations_of_its_law() -> None:
    class Linear(PairPotential):
        stiffness: Any = 1.0

        def pair_energy(self, distance: jax.Array, sigma: jax.Array) -> jax.Array:
            return self.stiffness * (distance - sigma) ** 2 / 2

        def force_over_distance(self, distance: jax.Array, sigma: jax.Array) -> jax.Array:
            return self.stiffness * (sigma - distance)

    n_cells, n_simulations = 7, 20

    def force(theta: jax.Array, key: jax.Array) -> jax.Array:
        displacement, shift = space.free()
        ones = jnp.ones((n_cells, 1))
        position = jax.random.uniform(key, (n_cells, 2))
        state = BaseCellState(displacement, shift, position, ones, ones)
        return Linear(theta[0]).force_fn(state)(position)

    samples = np.ones((n_simulations, 1), np.float32)
    found = kernels(over_batch(force), samples, np.zeros((1, 2), np.uint32))
    (ours,) = (k for k in found if "ffi_call" in k.origin)
    # The root takes a comparison and two choices beside it, the law a sum and a product. Around it: 2
    # differences, 3 for their square, the sum of the radii, the product of who interacts and one with
    # it, 2 products and 4 sums for the two cells.
    of_all = n_cells * (n_cells - 1) // 2 * n_simulations
    assert ours.operations == {"plain": (3 + 2 + 2 + 3 + 3 + 6) * of_all, "sqrt": of_all}
    # Positions and forces; what is the same for all simulations is small beside them.
    positions = 4 * n_cells * 2 * n_simulations
    assert 2 * positions <= ours.bytes < 2.2 * positions


def test_a_profile_names_the_kernels_and_what_bounds_them() -> None:
    measured = profile.profile(Task(cells=3, steps=2, samples=1, seeds=16), "none", calls=1)
    in_loops = {k.name for k in measured.kernels if k.launches == 20}
    assert len(in_loops) > 3 and in_loops <= set(measured.seconds)
    assert all(s > 0 for s in measured.seconds.values())
    lines = profile.table(measured, RATES, n_rows=4)
    assert len(lines) == 8 and lines[0].startswith("| kernel | made from | launches | share of time")
    shares = [float(line.split("|")[4].strip(" %")) for line in lines[2:6]]
    assert shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 100
    assert f"{sum(k.launches for k in measured.kernels):,} launches" in lines[-1]
