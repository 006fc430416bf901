"""What two cells do to each other: a law of their distance and of the sum of their radii."""

import abc
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

Reach = float | Literal["contact"]
"""A distance; ``"contact"`` stands for the sum of the radii of a pair."""

PairFn = Callable[[Array, Array], Array]
"""Of the distances of pairs and the sums of their radii, elementwise."""


class ForceDerivatives(NamedTuple):
    """Derivatives of g, the force of pairs over their distance; all (*pair).

    Attributes:
        by_distance: dg/dr / r.
        by_sigma: In the sum of the radii.
        by_field: In fields of the law, by name; those of a law inside have dots, ``potential.epsilon``.
    """

    by_distance: Array
    by_sigma: Array
    by_field: dict[str, Array]


class PairLaw(eqx.Module):
    """An energy of two cells, and what follows from it.

    A subclass writes :meth:`pair_energy` only. The force is exact: the derivative of the energy along
    the distance; it costs no second backward pass. With :meth:`force_over_distance` and
    :meth:`force_derivatives` in closed form it is faster.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """What a class derives from its energy or force holds no more where a subclass has another."""
        super().__init_subclass__(**options)
        chain = ("pair_energy", "force_over_distance", "force_derivatives", "inner_form")
        for i, name in enumerate(chain):
            if name not in vars(cls) and not vars(cls).keys().isdisjoint(chain[:i]):
                setattr(cls, name, vars(PairLaw)[name])

    @property
    def interaction_range(self) -> Reach | None:
        """Distance from which on the pair energy is exactly 0; None if there is none, or no number."""
        return None

    def inner_form(self) -> tuple["PairLaw", float] | None:
        """A simpler law with the same force below a distance, and this distance; None if unknown.

        Its fields that are arrays are among those of this law, by the same names.
        """
        return None

    @abc.abstractmethod
    def pair_energy(self, distance: Array, sigma: Array) -> Array:
        """Energy of pairs at ``distance`` whose radii add to ``sigma`` (same shape, elementwise).

        A field that is a scalar array, or a ``PairProduct``, is a number or one for each pair here. If a
        field is another array, the shape of ``distance`` is (cell, cell), so that it may hold a number
        for each pair; sums are slower then.
        """

    def force_over_distance(self, distance: Array, sigma: Array) -> Array:
        """Minus the derivative of the pair energy along the distance, over the distance.

        Cells at the same place have no direction between them: it must be finite there.
        """
        slope = derivative(lambda r: self.pair_energy(r, sigma), distance)
        return -slope / nonzero(distance)

    def force_derivatives(self, distance: Array, sigma: Array) -> ForceDerivatives:
        """Derivatives of :meth:`force_over_distance`; of fields that are missing, JAX derives them."""
        by_distance = derivative(lambda r: self.force_over_distance(r, sigma), distance)
        by_sigma = derivative(lambda s: self.force_over_distance(distance, s), sigma)
        return ForceDerivatives(by_distance / nonzero(distance), by_sigma, {})


def nonzero(distance: Array) -> Array:
    """A distance to divide by: 1 where it is 0."""
    return jnp.where(distance > 0, distance, 1)


def derivative(function: Callable[[Array], Array], x: Array) -> Array:
    """Of an elementwise function."""
    return jax.jvp(function, (x,), (jnp.ones_like(x),))[1]
