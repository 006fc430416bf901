"""Evaluating a whole jaxpr whose arrays have their lanes last: calls, loops and branches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend import core
from jax.typing import ArrayLike
from jaxtyping import Array

from ...native.calls import CALLS, called
from . import elementwise, places, products, random, shapes
from .arrays import Laned, Lanes, Rule, Sizes, widened, widest
from .mapped import by_vmap
from .own_operations import own_rule


def interpret(closed: core.ClosedJaxpr, arguments: Sequence[Laned], sizes: Sizes) -> list[Laned]:
    """Evaluate a jaxpr of one simulation at arguments with lanes."""
    jaxpr = closed.jaxpr
    values: dict[core.Var, Laned] = {}

    def read(atom: core.Var | core.Literal) -> Laned:
        return Laned(atom.val, Lanes.NONE) if isinstance(atom, core.Literal) else values[atom]

    values.update(zip(jaxpr.constvars, (Laned(c, Lanes.NONE) for c in closed.consts), strict=True))
    values.update(zip(jaxpr.invars, arguments, strict=True))
    for eqn in jaxpr.eqns:
        operands = [read(atom) for atom in eqn.invars]
        name = eqn.primitive.name
        rule = _RULES.get(name) or own_rule(name) or by_vmap
        values.update(zip(eqn.outvars, rule(eqn, operands, sizes), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _lanes_of_results(closed: core.ClosedJaxpr, lanes: Iterable[Lanes]) -> list[Lanes]:
    """The lanes that the results of a jaxpr have at most, without evaluating it."""
    jaxpr = closed.jaxpr
    known: dict[core.Var, Lanes] = dict.fromkeys(jaxpr.constvars, Lanes.NONE)
    known.update(zip(jaxpr.invars, lanes, strict=True))

    def of(atom: core.Var | core.Literal) -> Lanes:
        return Lanes.NONE if isinstance(atom, core.Literal) else known[atom]

    for eqn in jaxpr.eqns:
        rule = _LANES.get(eqn.primitive.name, _lanes_of_all)
        known.update(zip(eqn.outvars, rule(eqn, [of(atom) for atom in eqn.invars]), strict=True))
    return [of(atom) for atom in jaxpr.outvars]


def _lanes_of_all(eqn: core.JaxprEqn, operands: Sequence[Lanes]) -> list[Lanes]:
    return [max(operands, default=Lanes.NONE)] * len(eqn.outvars)


def _call(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> Sequence[Laned]:
    if eqn.params.get("differentiated") and eqn.params["prevent_cse"]:
        # What is computed again for the backward pass must not be merged with the first time.
        arrays = lax.optimization_barrier([x.array for x in operands])
        operands = [Laned(y, x.lanes) for y, x in zip(arrays, operands, strict=True)]
    return interpret(called(eqn), operands, sizes)


def _laned(arrays: Sequence[ArrayLike], lanes: Sequence[Lanes]) -> list[Laned]:
    return [Laned(*pair) for pair in zip(arrays, lanes, strict=True)]


def _all_widened(values: Sequence[Laned], lanes: Sequence[Lanes], sizes: Sizes) -> tuple[ArrayLike, ...]:
    return tuple(widened(x, wanted, sizes) for x, wanted in zip(values, lanes, strict=True))


def _stable(
    body: core.ClosedJaxpr, outer: Sequence[Lanes], carry: Sequence[Lanes], rest: Sequence[Lanes]
) -> tuple[list[Lanes], list[Lanes]]:
    """Lanes of a loop's carry that hold after each turn, and those of what it gives out besides."""
    carry = list(carry)
    while True:
        after = _lanes_of_results(body, [*outer, *carry, *rest])
        grown = [max(pair) for pair in zip(carry, after[: len(carry)], strict=True)]
        if grown == carry:
            return carry, after[len(carry) :]
        carry = grown


def scan_sizes(params: Mapping[str, Any]) -> tuple[int, int]:
    """Numbers of constants and of what is carried; JAX 0.12 has trees in their place."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    consts, carry, _ = params["ft_in"].unpack()
    return len(consts.vals), len(carry.vals)


def _lanes_of_scan(eqn: core.JaxprEqn, operands: Sequence[Lanes]) -> list[Lanes]:
    n_consts, n_carry = scan_sizes(eqn.params)
    consts, first = operands[:n_consts], operands[n_consts : n_consts + n_carry]
    carry, ys = _stable(eqn.params["jaxpr"], consts, first, operands[n_consts + n_carry :])
    return [*carry, *ys]


def _scan(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    p = eqn.params
    (n_consts, n_carry), body = scan_sizes(p), p["jaxpr"]
    consts, first = operands[:n_consts], operands[n_consts : n_consts + n_carry]
    xs = operands[n_consts + n_carry :]
    lanes = _lanes_of_scan(eqn, [x.lanes for x in operands])
    before = (*lanes[:n_carry], *(x.lanes for x in xs))

    def turn(carry: tuple, x: tuple) -> tuple[tuple, tuple]:
        given = _laned((*carry, *x), before)
        arrays = _all_widened(interpret(body, [*consts, *given], sizes), lanes, sizes)
        return arrays[:n_carry], arrays[n_carry:]

    start = _all_widened(first, lanes[:n_carry], sizes)
    options = {k: p[k] for k in ("length", "reverse", "unroll")}
    last, ys = lax.scan(turn, start, tuple(x.array for x in xs), **options)
    return _laned((*last, *ys), lanes)


def _lanes_of_while(eqn: core.JaxprEqn, operands: Sequence[Lanes]) -> list[Lanes]:
    n_cond, n_body = eqn.params["cond_nconsts"], eqn.params["body_nconsts"]
    of_cond, of_body = operands[:n_cond], operands[n_cond : n_cond + n_body]
    carry = list(operands[n_cond + n_body :])
    while True:
        carry, _ = _stable(eqn.params["body_jaxpr"], of_body, carry, [])
        (goes_on,) = _lanes_of_results(eqn.params["cond_jaxpr"], [*of_cond, *carry])
        # Where it depends on the simulation how often it turns, all that it carries does.
        grown = [max(lanes, goes_on) for lanes in carry]
        if grown == carry:
            return carry
        carry = grown


def _while(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """As long as any simulation goes on; those that do not keep what they have."""
    p = eqn.params
    n_cond, n_body = p["cond_nconsts"], p["body_nconsts"]
    of_cond, of_body = operands[:n_cond], operands[n_cond : n_cond + n_body]
    lanes = _lanes_of_while(eqn, [x.lanes for x in operands])

    def goes_on(arrays: Sequence[ArrayLike]) -> Laned:
        (result,) = interpret(p["cond_jaxpr"], [*of_cond, *_laned(arrays, lanes)], sizes)
        return result

    def any_goes_on(arrays: Sequence[ArrayLike]) -> Array:
        return jnp.any(goes_on(arrays).array)

    def turn(arrays: Sequence[ArrayLike]) -> tuple[ArrayLike, ...]:
        given = _laned(arrays, lanes)
        after = interpret(p["body_jaxpr"], [*of_body, *given], sizes)
        here = goes_on(arrays)
        if here.lanes:
            pairs = zip(given, after, strict=True)
            after = [_selected(here, before, new, sizes=sizes) for before, new in pairs]
        return _all_widened(after, lanes, sizes)

    start = _all_widened(operands[n_cond + n_body :], lanes, sizes)
    return _laned(lax.while_loop(any_goes_on, turn, start), lanes)


def _selected(which: Laned, *cases: Laned, sizes: Sizes) -> Laned:
    """Of each simulation the case of this number; numbers of two cases are booleans."""
    lanes = widest([which, *cases])
    arrays = [widened(case, lanes, sizes) for case in cases]
    rank = cases[0].rank
    shape = jnp.shape(arrays[0])
    number = lax.broadcast_in_dim(widened(which, lanes, sizes), shape, range(rank, len(shape)))
    return Laned(lax.select_n(number, *arrays), lanes)


def _lanes_of_cond(eqn: core.JaxprEqn, operands: Sequence[Lanes]) -> list[Lanes]:
    index, *given = operands
    of_each = [_lanes_of_results(branch, given) for branch in eqn.params["branches"]]
    return [max(index, *have) for have in zip(*of_each, strict=True)]


def _cond(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """The branch that all take; or, where that differs between simulations, all, and a choice."""
    index, *rest = operands
    branches = eqn.params["branches"]
    if index.lanes:
        if any(branch.effects for branch in branches):
            return by_vmap(eqn, operands, sizes)
        which = (
            index._replace(array=jnp.asarray(index.array).astype(bool)) if len(branches) == 2 else index
        )
        of_each = [interpret(branch, rest, sizes) for branch in branches]
        return [_selected(which, *cases, sizes=sizes) for cases in zip(*of_each, strict=True)]
    given = [x.lanes for x in rest]
    lanes = _lanes_of_cond(eqn, [index.lanes, *given])

    def taken(branch: core.ClosedJaxpr) -> Callable[..., tuple[ArrayLike, ...]]:
        def run(*arrays: ArrayLike) -> tuple[ArrayLike, ...]:
            return _all_widened(interpret(branch, _laned(arrays, given), sizes), lanes, sizes)

        return run

    results = lax.switch(index.array, [taken(b) for b in branches], *[x.array for x in rest])
    return _laned(results, lanes)


def _over_keys(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """The keys take the place of the seeds; every simulation of a sample has the same results."""
    theta, keys = operands
    if theta.lanes != Lanes.SIMULATION or keys.lanes:
        return by_vmap(eqn, operands, sizes)
    inner = Sizes(sizes.n_samples, keys.shape[0])
    of_sample = jnp.asarray(theta.array)[..., :: sizes.n_seeds]
    arguments = (
        Laned(jnp.repeat(of_sample, inner.n_seeds, axis=-1), Lanes.SIMULATION),
        Laned(jnp.moveaxis(keys.array, 0, -1), Lanes.SEED),
    )
    (result,) = interpret(eqn.params["jaxpr"], arguments, inner)
    of_key = jnp.reshape(widened(result, Lanes.SIMULATION, inner), (*result.shape, *inner))
    return [Laned(jnp.repeat(jnp.moveaxis(of_key, -1, 0), sizes.n_seeds, axis=-1), Lanes.SIMULATION)]


def _over_points(eqn: core.JaxprEqn, operands: list[Laned], sizes: Sizes) -> list[Laned]:
    """Each point is a sample more; what depends on the seed alone is shared by all of them."""
    thetas, key = operands
    if thetas.lanes != Lanes.SIMULATION or key.lanes == Lanes.SIMULATION:
        return by_vmap(eqn, operands, sizes)
    n_points, n_parameters = thetas.shape
    inner = Sizes(n_points * sizes.n_samples, sizes.n_seeds)
    of_all = jnp.moveaxis(thetas.array, 0, 1).reshape(n_parameters, *inner.of(Lanes.SIMULATION))
    (result,) = interpret(eqn.params["jaxpr"], [Laned(of_all, Lanes.SIMULATION), key], inner)
    of_points = jnp.reshape(widened(result, Lanes.SIMULATION, inner), (*result.shape, n_points, -1))
    return [Laned(jnp.moveaxis(of_points, -2, 0), Lanes.SIMULATION)]


_LANES: dict[str, Callable[[core.JaxprEqn, Sequence[Lanes]], list[Lanes]]] = {
    **dict.fromkeys(CALLS, lambda eqn, operands: _lanes_of_results(called(eqn), operands)),
    **dict.fromkeys(shapes.OVER_ALL, lambda eqn, operands: [Lanes.NONE]),
    "cond": _lanes_of_cond,
    "optimization_barrier": lambda eqn, operands: list(operands),
    "scan": _lanes_of_scan,
    "while": _lanes_of_while,
}

_RULES: dict[str, Rule] = {
    **elementwise.RULES,
    **places.RULES,
    **products.RULES,
    **random.RULES,
    **shapes.RULES,
    **dict.fromkeys(CALLS, _call),
    "cond": _cond,
    "over_keys": _over_keys,
    "over_points": _over_points,
    "scan": _scan,
    "while": _while,
}
