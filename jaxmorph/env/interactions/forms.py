"""A law as jaxprs of numbers of one pair: what kernels are written from."""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jax.extend import core
from jaxtyping import Array

from ... import space
from ...native.jaxprs import unknown_operation
from .fields import PairProduct, fields_of
from .law import PairLaw, Reach, derivative


class PairForm(NamedTuple):
    """What a force between two cells is, as jaxprs of (squared distance, sum of the radii, fields).

    Attributes:
        force: The force over the distance, (1,) result.
        derivatives: The same, and its derivatives by the distance over the distance, by the sum of the
            radii, and by each field.
    """

    force: core.ClosedJaxpr
    derivatives: core.ClosedJaxpr


@dataclasses.dataclass(frozen=True, eq=False)
class LawForms:
    """A law of pairs whose fields are numbers, for all pairs or for each.

    Attributes:
        dtype: Of all numbers.
        whole: The force between two cells.
        inner: A simpler form of it that holds below ``inner_below``; or None.
        inner_below: A distance.
        reach: The distance from which on the force is 0; "contact" is the sum of the radii.
        kinds: Of each field, of how many numbers of the two cells it is the scalar product; 0 if it is
            one number for all pairs.
    """

    dtype: np.dtype
    whole: PairForm
    inner: PairForm | None
    inner_below: float
    reach: Reach
    kinds: tuple[int, ...]

    @property
    def all(self) -> tuple[PairForm, ...]:
        """One or two."""
        return (self.whole,) if self.inner is None else (self.whole, self.inner)

    def unwritable(self) -> str:
        """What no kernel can be written of; empty if there is nothing."""
        if self.dtype not in (np.float32, np.float64):
            return f"numbers of the type {self.dtype}"
        consts = [c for form in self.all for jaxpr in form for c in jaxpr.consts]
        if any(isinstance(c, jax.core.Tracer) or np.ndim(c) for c in consts):
            return "numbers that are none of its fields"
        names = (unknown_operation(form.derivatives) for form in self.all)
        return next((f"the operation {name!r}" for name in names if name), "")


def forms_of(law: PairLaw, dtype: np.dtype) -> LawForms:
    """The forms of a law that has no field of another kind."""
    fields, changed = fields_of(law)
    inner = law.inner_form()
    form = _form(changed, len(fields), dtype)
    return LawForms(
        dtype,
        form,
        None if inner is None else _form(lambda *x: _inner(changed(*x)), len(fields), dtype),
        0.0 if inner is None else inner[1],
        math.inf if law.interaction_range is None else law.interaction_range,
        tuple(x.left.shape[1] if isinstance(x, PairProduct) else 0 for x in fields.values()),
    )


def _inner(law: PairLaw) -> PairLaw:
    found = law.inner_form()
    assert found is not None, law
    return found[0]


def _form(law_at: Callable[..., PairLaw], n_fields: int, dtype: np.dtype) -> PairForm:
    def force(squared: Array, sigma: Array, *values: Array) -> tuple[Array, ...]:
        return (law_at(*values).force_over_distance(space.root(squared), sigma),)

    def derivatives(squared: Array, sigma: Array, *values: Array) -> tuple[Array, ...]:
        law = law_at(*values)
        known = law.force_derivatives(space.root(squared), sigma)
        by_value = _by_value(law, values, known.by_field)

        def by_field(i: int) -> Array:
            others = values[:i], values[i + 1 :]
            return derivative(lambda x: force(squared, sigma, *others[0], x, *others[1])[0], values[i])

        by_fields = (by_value[i] if i in by_value else by_field(i) for i in range(n_fields))
        return *force(squared, sigma, *values), known.by_distance, known.by_sigma, *by_fields

    scalars = [jax.ShapeDtypeStruct((), dtype)] * (2 + n_fields)
    return PairForm(*(jax.make_jaxpr(f)(*scalars) for f in (force, derivatives)))


def _by_value(law: PairLaw, values: tuple[Array, ...], by_field: dict[str, Array]) -> dict[int, Array]:
    """The known derivatives by the number of the value that a field is; a simpler law has other names.

    Nothing is known of a law that computes its fields from the values.
    """
    fields = fields_of(law)[0]
    places = {id(x): i for i, x in enumerate(values)}
    if len({id(x) for x in fields.values()} & places.keys()) != len(fields):
        return {}
    return {places[id(x)]: by_field[name] for name, x in fields.items() if name in by_field}
