"""Declarations as attributes of variables (CF conventions), and what is read back from there.

``units`` is always one that UDUNITS knows. A unit that it does not know, or that differs between the
entries of a variable, is told in ``comment``, and ``units`` is 1.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .declaration import Interval, Kind, Method, Quantity, part_of
from .units import composed, in_words, is_unit

if TYPE_CHECKING:  # the workflow reads declarations without numpy and xarray
    import numpy as np
    import xarray as xr

Attributes = Mapping[str, "str | float | np.number"]
"""Attributes of a netCDF file, or of one of its variables."""

_UNIT = "unit: "
_EACH = "unit of each entry: "
_DIMENSIONLESS = ("1",)

Units = Mapping[str, Sequence[str]]
"""The units of each source of a rule that occur, in the order of its dimension."""


def describe(
    dataset: xr.Dataset, declared: Iterable[Quantity], natural: Sequence[str] | None = None
) -> xr.Dataset:
    """Set the attributes of every declared variable, and of its parts; others keep theirs.

    What a variable was computed from hands its attributes on, so those that it has are replaced.

    Args:
        dataset: With the coordinates ``observable_unit``, ``parameter_unit``, as far as it has units.
        declared: What its variables are.
        natural: Units of the parameters on the natural scale of their distributions; none: their own.

    Raises:
        ValueError: A variable has other dimensions than were declared.
    """
    units = _units_of(dataset, natural)
    found = by_name(declared)
    for name in map(str, dataset.variables):
        quantity = declaration_of(name, found)
        if quantity is None:
            continue
        if name == quantity.name:
            _check_dims(name, dataset[name].dims, quantity.dims)
            dataset[name].attrs = attributes_of(quantity, units) | _ancillary(dataset, quantity)
        else:
            _, ending, words = part_of(name) or ("", "", "")
            more = {"_by_samples": ("n_samples",), "_by_seeds": ("n_seeds",)}.get(ending, ())
            _check_dims(name, dataset[name].dims, (*more, *quantity.dims))
            long_name = {"long_name": words.format(quantity.long_name)}
            dataset[name].attrs = long_name | _unit_attributes(quantity, units)
    return dataset


def attributes_of(quantity: Quantity, units: Units | None = None) -> dict[str, Any]:
    """The attributes of a variable that say what it is."""
    method = quantity.method
    attributes: dict[str, Any] = {"long_name": quantity.long_name}
    unit = _unit_attributes(quantity, units or {})
    comment = [unit.pop("comment", ""), method.text if method else ""]
    attributes |= unit | {"comment": "; ".join(part for part in comment if part)}
    if method is not None:
        attributes |= {"method": method.title, "formula": quantity.formula or method.formula}
        attributes |= {"method_formula": method.formula, "references": method.source}
    attributes |= {"kind": str(quantity.kind), "label": quantity.label, "reading": quantity.reading}
    attributes["short"] = quantity.short
    if quantity.interval is not Interval.NONE:
        attributes["interval"] = str(quantity.interval)
    if quantity.error is not None:
        attributes["error_without_interval"] = quantity.error
    for name in ("of_noise", "tested_by"):
        if getattr(quantity, name):
            attributes[name] = getattr(quantity, name)
    if quantity.within is not None:
        attributes["wanted_half_width"] = quantity.within
        attributes["wanted_half_width_relative"] = int(quantity.relative)
    for flag in ("from_gradients", "ranks"):
        if getattr(quantity, flag):
            attributes[flag] = 1
    return {name: value for name, value in attributes.items() if value != ""}


def described(variable: xr.DataArray | xr.Variable, name: str = "") -> Quantity:
    """The declaration of a variable (called ``name``), as far as a reader of its file needs it."""
    attrs, name = variable.attrs, name or str(getattr(variable, "name", ""))
    method = None
    if "method" in attrs:
        comment = [c for c in str(attrs.get("comment", "")).split("; ") if not _is_unit(c)]
        source = str(attrs.get("references", ""))
        method = Method(str(attrs["method"]), str(attrs["method_formula"]), "; ".join(comment), source)
    return Quantity(
        name=name,
        long_name=str(attrs.get("long_name", name)),
        unit=str(attrs.get("unit_rule", "1")),
        dims=tuple(map(str, variable.dims)),
        kind=Kind(attrs.get("kind", Kind.NUMBER)),
        method=method,
        formula=str(attrs.get("formula", "")),
        label=str(attrs.get("label", "")),
        short=str(attrs.get("short", attrs.get("label", ""))),
        reading=str(attrs.get("reading", "")),
        interval=Interval(attrs.get("interval", Interval.NONE)),
        error=attrs.get("error_without_interval"),
        within=attrs.get("wanted_half_width"),
        relative=bool(attrs.get("wanted_half_width_relative", 0)),
        from_gradients=bool(attrs.get("from_gradients", 0)),
        ranks=bool(attrs.get("ranks", 0)),
        of_noise=str(attrs.get("of_noise", "")),
        tested_by=str(attrs.get("tested_by", "")),
    )


def unit_of_entry(variable: xr.DataArray) -> str:
    """The unit of a variable, or of one entry of it whose unit is not that of the others."""
    comment = str(variable.attrs.get("comment", ""))
    if "unit_rule" in variable.attrs and f"{_EACH}" in comment:
        made = composed(str(variable.attrs["unit_rule"]), _units_of(variable, None))
        return made[0] if len(made) == 1 else "1"
    for part in comment.split("; "):
        if part.startswith(_UNIT):
            return part.removeprefix(_UNIT)
    return str(variable.attrs.get("units", "1"))


def written_unit(unit: str) -> dict[str, str]:
    """The attributes that say a unit, whether or not UDUNITS knows it."""
    if is_unit(unit):
        return {"units": unit}
    return {"units": "1", "comment": f"{_UNIT}{unit}"}


def absent(dataset: xr.Dataset) -> dict[str, str]:
    """Names of estimates that a file has not, with the reason."""
    found: dict[str, str] = json.loads(dataset.attrs.get("absent_estimates", "{}"))
    return found


def why_absent(there: Collection[str], declared: Iterable[Quantity]) -> dict[str, str]:
    """The same, from what was declared and the names of what is ``there``."""
    return {q.name: q.absent for q in declared if q.absent and q.name not in there}


def _is_unit(comment: str) -> bool:
    return comment.startswith((_UNIT, _EACH))


def by_name(declared: Iterable[Quantity]) -> dict[str, Quantity]:
    """Declarations by the names of their variables.

    Raises:
        ValueError: Two of them have one name.
    """
    found: dict[str, Quantity] = {}
    for quantity in declared:
        if quantity.name in found and found[quantity.name] != quantity:
            raise ValueError(f"{quantity.name} is declared twice")
        found[quantity.name] = quantity
    return found


def declaration_of(variable: str, declared: Mapping[str, Quantity]) -> Quantity | None:
    """The quantity that a variable is, or is a part of (``dgsm_low``); None if it is not declared."""
    if variable in declared:
        return declared[variable]
    stem, _, _ = part_of(variable) or ("", "", "")
    if stem in declared:
        return declared[stem]
    return next((q for q in declared.values() if q.stem and q.stem == stem), None)


def _check_dims(name: str, has: Sequence[Any], declared: Sequence[str]) -> None:
    """Dimensions in brackets may be missing."""
    needed = [d for d in declared if not d.startswith("[")]
    allowed = [d.strip("[]") for d in declared]
    order = [d for d in allowed if d in has]
    if list(has) != order or not set(needed) <= set(has):
        raise ValueError(f"{name} has the dimensions {tuple(has)}, declared are {tuple(declared)}")


def _ancillary(dataset: xr.Dataset, quantity: Quantity) -> dict[str, str]:
    """The variables that say how sure an estimate is (CF conventions, section 3.4)."""
    if quantity.kind is Kind.LABEL:  # a name has no error: `parameter_low` is no part of `parameter`
        return {}
    stem = quantity.stem or quantity.name
    found = [f"{stem}{end}" for end in ("_se", "_low", "_high") if f"{stem}{end}" in dataset]
    return {"ancillary_variables": " ".join(found)} if found else {}


def _unit_attributes(quantity: Quantity, units: Units) -> dict[str, str]:
    if quantity.unit == "1":
        return {"units": "1"}
    known = {s: units.get(s, _DIMENSIONLESS) for s in ("observable", "parameter", "time")}
    known["natural"] = units.get("natural", known["parameter"])
    made = composed(quantity.unit, known)
    if len(made) == 1:
        return written_unit(made[0]) | {"unit_rule": quantity.unit}
    comment = f"{_EACH}{in_words(quantity.unit)}"
    return {"units": "1", "comment": comment, "unit_rule": quantity.unit}


def _units_of(data: xr.Dataset | xr.DataArray, natural: Sequence[str] | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for source in ("observable", "parameter"):
        if f"{source}_unit" in data.coords:
            found[source] = [str(unit) for unit in data[f"{source}_unit"].values.ravel()]
    if "time" in data.coords:
        found["time"] = [unit_of_entry(data["time"])]
    if natural is not None:
        found["natural"] = list(natural)
    return found
