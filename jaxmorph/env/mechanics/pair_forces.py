"""Forces of pairs and their derivatives, from what a potential says of one pair."""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import space
from ...tracing import PairForm, PairLaw
from .pairs import Pairs, Vectors, all_pairs

if TYPE_CHECKING:
    from .potentials import PairPotential


def fields_of(
    potential: "PairPotential",
) -> tuple[dict[str, Array], Callable[..., "PairPotential"]]:
    """The fields that are arrays, by name, and the potential as a function of them."""
    moving, rest = eqx.partition(potential, eqx.is_inexact_array)
    leaves, structure = jax.tree_util.tree_flatten_with_path(moving)
    names = [jax.tree_util.keystr(path, simple=True) for path, _ in leaves]

    def changed(*fields: Array) -> "PairPotential":
        return eqx.combine(jax.tree.unflatten(structure, fields), rest)

    return dict(zip(names, (leaf for _, leaf in leaves), strict=True)), changed


def law_of(potential: "PairPotential", dtype: np.dtype) -> PairLaw:
    """The law of a potential whose array fields are all scalars, for numbers of a type."""
    fields, changed = fields_of(potential)
    scalars = [jax.ShapeDtypeStruct((), dtype)] * (2 + len(fields))

    def form(of: Callable[["PairPotential"], "PairPotential"]) -> PairForm:
        def force(squared: Array, sigma: Array, *values: Array) -> tuple[Array, ...]:
            return (of(changed(*values)).force_over_distance(space.root(squared), sigma),)

        def derivatives(squared: Array, sigma: Array, *values: Array) -> tuple[Array, ...]:
            def by_field(i: int) -> Array:
                others = values[:i], values[i + 1 :]
                return derivative(
                    lambda x: force(squared, sigma, *others[0], x, *others[1])[0], values[i]
                )

            known = of(changed(*values)).force_derivatives(space.root(squared), sigma)
            by_fields = (
                known.by_field[name] if name in known.by_field else by_field(i)
                for i, name in enumerate(fields)
            )
            return *force(squared, sigma, *values), known.by_distance, known.by_sigma, *by_fields

        return PairForm(*(jax.make_jaxpr(f)(*scalars) for f in (force, derivatives)))

    def forces(position: Array, radius: Array, interacts: Array, scale: Array, *values: Array) -> Array:
        pairs = all_pairs(len(position))
        between = pairs.displacements(space.free()[0], position)
        both = pairs.products(interacts)
        of_pairs = pair_forces(changed(*values), pairs, both, between, pairs.sums(radius))
        return pairs.forces(of_pairs, scale)

    reach = math.inf if potential.interaction_range is None else potential.interaction_range
    simpler = potential.inner_form()
    if simpler is None:
        return PairLaw(forces, form(lambda p: p), reach=reach)
    inner = form(lambda p: p.inner_form()[0])  # type: ignore[index]
    return PairLaw(forces, form(lambda p: p), inner, simpler[1], reach)


def apart(distance: Array) -> Array:
    """A distance to divide by: 1 where it is 0."""
    return jnp.where(distance > 0, distance, 1)


def derivative(function: Callable[[Array], Array], x: Array) -> Array:
    """Of an elementwise function."""
    return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]


def slope(potential: "PairPotential", distance: Array, sigma: Array) -> Array:
    """Derivative of the pair energy along the distance."""
    return derivative(lambda r: potential.pair_energy(r, sigma), distance)


@eqx.filter_custom_jvp
def pair_forces(
    potential: "PairPotential",
    pairs: Pairs,
    interacts: Float[Array, "*pair"],
    between: Vectors,
    sigma: Float[Array, "*pair"],
) -> Vectors:
    """The force of each pair on its first cell; ``between`` leads there from the second.

    The derivative is written out: with f = g d it is g d' + (a d.d' + b sigma' + sum_p c_p p') d, where
    g, a, b and c_p are numbers of a pair that all tangents share, and all that the transpose needs.
    """
    distance = space.root(pairs.dot(between, between))
    return pairs.scaled(interacts * potential.force_over_distance(distance, sigma), between)


@pair_forces.def_jvp
def _pair_forces_jvp(primals: tuple, tangents: tuple) -> tuple[Vectors, Vectors]:
    potential, pairs, interacts, between, sigma = primals
    in_potential, _, _, in_between, in_sigma = tangents
    distance = space.root(pairs.dot(between, between))
    divisor = apart(distance)

    def once(x: Array) -> Array:
        return pairs.once(interacts * x, divisor)

    g = once(potential.force_over_distance(distance, sigma))
    derivatives = potential.force_derivatives(distance, sigma)
    along = jnp.zeros_like(distance)
    change = jax.tree.map(jnp.zeros_like, between)
    if jax.tree.leaves(in_between):
        along += once(derivatives.by_distance) * pairs.dot(between, in_between)
        change = pairs.scaled(g, in_between)
    if in_sigma is not None:
        along += once(derivatives.by_sigma) * in_sigma
    for by_field, in_field in _by_fields(potential, in_potential, distance, sigma, derivatives.by_field):
        along += once(by_field) * in_field
    change = jax.tree.map(jnp.add, change, pairs.scaled(along, between))
    return pairs.scaled(g, between), change


def _by_fields(
    potential: "PairPotential",
    tangent: "PairPotential",
    distance: Array,
    sigma: Array,
    known: dict[str, Array],
) -> Iterator[tuple[Array, Array]]:
    """Derivative of the force over distance by each array field that has a tangent, and this tangent.

    What is no scalar is differentiated along its tangent instead, to be multiplied by 1.
    """
    moving, rest = eqx.partition(
        potential, jax.tree.map(lambda t: t is not None, tangent, is_leaf=_is_none)
    )
    leaves, structure = jax.tree_util.tree_flatten_with_path(moving)
    values = [leaf for _, leaf in leaves]
    for i, ((path, leaf), t) in enumerate(zip(leaves, jax.tree.leaves(tangent), strict=True)):
        name = jax.tree_util.keystr(path, simple=True)
        if name in known and leaf.ndim == 0:
            yield known[name], t
            continue

        def force(leaf: Array, i: int = i) -> Array:
            changed = jax.tree.unflatten(structure, [*values[:i], leaf, *values[i + 1 :]])
            return eqx.combine(changed, rest).force_over_distance(distance, sigma)

        along, factor = (jnp.ones_like(leaf), t) if leaf.ndim == 0 else (t, jnp.ones_like(distance))
        yield jax.jvp(force, (leaf,), (along,))[1], factor


def _is_none(x: object) -> bool:
    return x is None
