"""Forces of pairs and their derivatives, from what a law says of one pair."""

from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .... import space
from ..law import PairLaw, nonzero
from .layouts import Pairs, Vectors


@eqx.filter_custom_jvp
def pair_forces(
    law: PairLaw,
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
    return pairs.scaled(interacts * law.force_over_distance(distance, sigma), between)


@pair_forces.def_jvp
def _pair_forces_jvp(primals: tuple, tangents: tuple) -> tuple[Vectors, Vectors]:
    law, pairs, interacts, between, sigma = primals
    in_law, _, _, in_between, in_sigma = tangents
    distance = space.root(pairs.dot(between, between))
    divisor = nonzero(distance)

    def once(x: Array) -> Array:
        return pairs.once(interacts * x, divisor)

    g = once(law.force_over_distance(distance, sigma))
    derivatives = law.force_derivatives(distance, sigma)
    along = jnp.zeros_like(distance)
    change = jax.tree.map(jnp.zeros_like, between)
    if jax.tree.leaves(in_between):
        along += once(derivatives.by_distance) * pairs.dot(between, in_between)
        change = pairs.scaled(g, in_between)
    if in_sigma is not None:
        along += once(derivatives.by_sigma) * in_sigma
    for by_field, in_field in _by_fields(law, in_law, distance, sigma, derivatives.by_field):
        along += once(by_field) * in_field
    change = jax.tree.map(jnp.add, change, pairs.scaled(along, between))
    return pairs.scaled(g, between), change


def _by_fields(
    law: PairLaw,
    tangent: PairLaw,
    distance: Array,
    sigma: Array,
    known: dict[str, Array],
) -> Iterator[tuple[Array, Array]]:
    """Derivative of the force over distance by each array field that has a tangent, and this tangent.

    What is no number of all pairs or of each is differentiated along its tangent, to be multiplied by 1.
    """
    moving, rest = eqx.partition(law, jax.tree.map(lambda t: t is not None, tangent, is_leaf=_is_none))
    leaves, structure = jax.tree_util.tree_flatten_with_path(moving)
    values = [leaf for _, leaf in leaves]
    for i, ((path, leaf), t) in enumerate(zip(leaves, jax.tree.leaves(tangent), strict=True)):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        if name in known and leaf.shape in ((), distance.shape):
            yield known[name], t
            continue

        def force(leaf: Array, i: int = i) -> Array:
            changed = jax.tree.unflatten(structure, [*values[:i], leaf, *values[i + 1 :]])
            return eqx.combine(changed, rest).force_over_distance(distance, sigma)

        along, factor = (jnp.ones_like(leaf), t) if leaf.ndim == 0 else (t, jnp.ones_like(distance))
        yield jax.jvp(force, (leaf,), (along,))[1], factor


def _is_none(x: object) -> bool:
    return x is None
