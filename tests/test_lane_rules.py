"""Each rule of the batch-last evaluation equals ``jax.vmap``: operations x types x shapes x layouts."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend import core
from jaxtyping import TypeCheckError
from support.lane_operations import ARRAYS, ELEMENTWISE, PRODUCTS, TYPES, Operation

from jaxmorph.engine.lanes import Laned, Lanes, Sizes, elementwise, places, products, shapes, widened
from jaxmorph.engine.lanes.control import interpret

SIZES = Sizes(n_samples=2, n_seeds=3)
N = SIZES.n_samples * SIZES.n_seeds
LAYOUTS = [
    *itertools.permutations((Lanes.SIMULATION, Lanes.SEED, Lanes.NONE)),
    (Lanes.SIMULATION,) * 3,
    (Lanes.SEED,) * 3,
]
SHAPES = [(3,), (2, 3), (), (1,)]
# One of each kind, of which the values are compared.
_SOME_TYPES = ["bool", "int8", "bfloat16", "float64", "complex64"]
# Derivatives, of the types that have any, take long to compile.
_SMOOTH = [name for name in TYPES if jnp.issubdtype(jnp.dtype(name), jnp.inexact)]


def _drawn(shape: tuple[int, ...], dtype: np.dtype, number: int) -> np.ndarray:
    """Floats where most functions are defined; integers of the whole range of their type."""
    rng = np.random.default_rng(number)
    if dtype.kind == "b":
        return rng.uniform(size=shape) < 0.5
    if dtype.kind in "iu":
        ends = np.iinfo(dtype)
        return rng.integers(ends.min, ends.max, shape, dtype, endpoint=True)
    drawn = rng.uniform(0.1, 0.9, shape)
    return (drawn + 1j * rng.uniform(0.1, 0.9, shape) if dtype.kind == "c" else drawn).astype(dtype)


def _differentiated(operation: Operation) -> Operation:
    """Values of an operation, and its derivatives in both modes where its results have any."""

    def both(*arrays: jax.Array) -> Any:
        value, forward = jax.jvp(operation, arrays, arrays)
        _, pullback = jax.vjp(operation, *arrays)
        return value, forward, pullback(jax.tree.map(lambda v: v * 2, value))

    return both


def _is_allowed(operation: Operation, arrays: Sequence[jax.ShapeDtypeStruct]) -> bool:
    """Whether JAX itself has the operation for this type: it may trace what it cannot lower."""
    try:
        jax.jit(operation).lower(*arrays)
    except (TypeError, ValueError, NotImplementedError):
        return False
    return True


# Their derivatives are long programs of other operations, and take seconds each to compile.
_VALUES_ONLY = "bessel_i0e bessel_i1e betainc digamma igamma igamma_grad_a igammac lgamma polygamma zeta"


def _chosen(
    title: str, operation: Operation, shape: tuple[int, ...], dtype: np.dtype, *, derive: bool
) -> Operation | None:
    """The operation, with its derivatives where it has any; None: JAX does not have it for this type."""
    one = [jax.ShapeDtypeStruct(shape, dtype)] * 3
    if not _is_allowed(operation, one):
        return None
    if not derive:
        return operation
    types = [leaf.dtype for leaf in jax.tree.leaves(jax.eval_shape(operation, *one))]
    if title in _VALUES_ONLY.split():
        return operation
    is_smooth = all(jnp.issubdtype(of, jnp.inexact) for of in [*types, dtype])
    return both if is_smooth and _is_allowed(both := _differentiated(operation), one) else operation


def _by_rules(operation: Operation, laned: list[Laned]) -> list[jax.Array]:
    one = [jax.ShapeDtypeStruct(x.shape, jnp.result_type(x.array)) for x in laned]
    results = interpret(jax.make_jaxpr(operation)(*one), laned, SIZES)
    return [_first(y) for y in results]


def _by_vmap(operation: Operation, laned: list[Laned]) -> list[jax.Array]:
    return jax.tree.leaves(jax.vmap(operation)(*[_first(x) for x in laned]))


def _first(x: Laned) -> jax.Array:
    """With an axis over all simulations, as the first."""
    return jnp.moveaxis(widened(x, Lanes.SIMULATION, SIZES), -1, 0)


def _compare(
    operations: dict[str, Operation], shapes: list[tuple[int, ...]], name: str, *, derive: bool = False
) -> set[str]:
    """Compare all operations that JAX has for a type, in two programs; the names of those operations."""
    dtype, number = jnp.dtype(name), TYPES.index(name)
    found: dict[str, Operation] = {}
    given: dict[str, list[jax.Array]] = {}
    layouts = {}
    for i, (title, operation) in enumerate(operations.items(), number):
        shape, layout = shapes[i % len(shapes)], LAYOUTS[(i + number) % len(LAYOUTS)]
        if (chosen := _chosen(title, operation, shape, dtype, derive=derive)) is not None:
            found[title], layouts[title] = chosen, layout
            drawn = (_drawn((*shape, *SIZES.of(x)), dtype, i + k) for k, x in enumerate(layout))
            given[title] = [jnp.asarray(array) for array in drawn]

    def all_of(
        evaluate: Callable[[Operation, list[Laned]], list[jax.Array]],
    ) -> dict[str, list[jax.Array]]:
        def program(given: dict[str, list[jax.Array]]) -> dict[str, list[jax.Array]]:
            return {
                title: evaluate(found[title], list(map(Laned, arrays, layouts[title])))
                for title, arrays in given.items()
            }

        return jax.jit(program)(given)

    ours, plain = all_of(_by_rules), all_of(_by_vmap)
    for title in found:
        for a, b in zip(ours[title], plain[title], strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype), title
            _assert_equal(a, b, f"{title} of {name}")
    return set(found)


def _assert_equal(ours: jax.Array, plain: jax.Array, what: str) -> None:
    if not jnp.issubdtype(ours.dtype, jnp.inexact):
        np.testing.assert_array_equal(ours, plain, err_msg=what)
        return
    tolerance = 32 * float(jnp.finfo(ours.dtype).eps)
    wide = "complex128" if jnp.issubdtype(ours.dtype, jnp.complexfloating) else "float64"
    np.testing.assert_allclose(
        np.asarray(ours).astype(wide),
        np.asarray(plain).astype(wide),
        rtol=tolerance,
        atol=tolerance,
        err_msg=what,
    )


every_kind = pytest.mark.parametrize(
    ("operations", "shapes", "some"),
    [
        (ELEMENTWISE, SHAPES, {"eq", "max", "convert"}),
        (ARRAYS, [(3, 4)], {"gather", "reshape", "transpose"}),
        (PRODUCTS, [(3, 3)], {"matrix and vector", "vectors", "matrices"}),
    ],
    ids=["elementwise", "on axes", "products"],
)


@pytest.mark.usefixtures("x64")
@every_kind
@pytest.mark.parametrize(
    "name", [pytest.param(t, marks=pytest.mark.slow) if t == "bfloat16" else t for t in _SOME_TYPES]
)
def test_operations_equal_those_of_vmap(
    operations: dict[str, Operation], shapes: list[tuple[int, ...]], some: set[str], name: str
) -> None:
    assert _compare(operations, shapes, name) >= some


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@every_kind
def test_operations_and_their_derivatives_equal_those_of_vmap(
    operations: dict[str, Operation], shapes: list[tuple[int, ...]], some: set[str]
) -> None:
    assert _compare(operations, shapes, "float64", derive=True) >= some


@pytest.mark.verify
@pytest.mark.usefixtures("x64")
@every_kind
@pytest.mark.parametrize("name", TYPES)
def test_operations_of_every_type_equal_those_of_vmap(
    operations: dict[str, Operation],
    shapes: list[tuple[int, ...]],
    some: set[str],
    name: str,
    record_property: Callable[[str, object], None],
) -> None:
    found = _compare(operations, shapes, name, derive=name in _SMOOTH)
    assert found >= some
    record_property("operations", len(found))


def test_annotations_of_this_room_are_checked_too() -> None:
    samples: Any = (2, 3)  # no `Sizes`
    with pytest.raises(TypeCheckError, match="widened"):
        widened(Laned(jnp.ones(3), Lanes.SEED), Lanes.SIMULATION, samples)


# Rules of operations that not every allowed JAX has, and of what JAX writes only inside of others.
_NOT_WRITTEN = """
copy_p eq_to le_to log2 lt_to mulhi name one_minus_square polynomial stack tile unstack
"""


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_every_rule_is_compared() -> None:
    rules = {*elementwise.RULES, *places.RULES, *products.RULES, *shapes.RULES} - {*shapes.OVER_ALL}
    written: set[str] = set()
    for operations, shape in ((ELEMENTWISE, (3,)), (ARRAYS, (3, 4)), (PRODUCTS, (3, 3))):
        for (title, operation), name in itertools.product(
            operations.items(), ("bool", "int32", "float32", "complex64")
        ):
            chosen = _chosen(title, operation, shape, jnp.dtype(name), derive=True)
            if chosen is not None:
                one = [jax.ShapeDtypeStruct(shape, name)] * 3
                written.update(_primitives(jax.make_jaxpr(chosen)(*one).jaxpr))
    assert rules - written <= set(_NOT_WRITTEN.split())


def _primitives(jaxpr: Any) -> Iterator[str]:
    """Names of all operations in a program, those inside of others too."""
    for eqn in jaxpr.eqns:
        yield eqn.primitive.name
        for inner in core.jaxprs_in_params(eqn.params):
            yield from _primitives(inner)
