"""Measured time courses: the files that an objective is held against."""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..quantities.units import conversion
from .columns import read_csv, read_netcdf, shown
from .fields import is_file

ENDINGS = (".csv", ".nc")
_ERRORS = frozenset(
    [
        *("err", "error", "errors", "errs", "yerr", "e", "delta", "sigma", "unc", "uncertainty", "ci"),
        *("sd", "std", "stdev", "stddev", "standard_deviation", "se", "sem", "stderr", "standard_error"),
    ]
)
"""Endings, or whole names, of columns that are errors to a reader."""
_ALSO_NAMES = frozenset(["e", "delta", "sigma", "ci"])
"""Of these, such as stand alone for something else."""
_NEAR = 0.8


@dataclass(frozen=True)
class MeasuredCourse:
    """A measured time course of one observable.

    Attributes:
        time: Times, increasing.
        value: The observable at each.
        error: Its standard error at each; None if the file has none.
        units: Column name -> unit, where the file says so.
    """

    time: tuple[float, ...]
    value: tuple[float, ...]
    error: tuple[float, ...] | None
    units: Mapping[str, str]


def read_course(path: str, observable: str) -> MeasuredCourse:
    """The time course of ``observable`` in a CSV or NetCDF file.

    It has the columns (variables) ``time``, the observable's and, if its errors are known,
    ``<observable>_error``. A unit stands in square brackets behind a column's name, or in a variable's
    attribute ``units``. Other columns are of other observables; none may look like one of these.

    Raises:
        ValueError: If the file is not like that; says what is wrong, and where, in one line.
    """
    if observable == "time":
        raise ValueError("an observable of the name time has no column of its own; call it otherwise")
    wanted = ("time", observable, f"{observable}_error")
    table = read_netcdf(path, wanted) if path.endswith(".nc") else read_csv(path, wanted)
    missing = [name for name in wanted[:2] if name not in table.columns]
    if missing:
        there = f"it has {shown(', '.join(table.names), 200)}" if table.names else "it is empty"
        raise ValueError(
            f"has no column {' and no column '.join(missing)}; {there}, and must have time, "
            f"{observable} and, for errors, {observable}_error"
        )
    _check_names(table.names, observable)
    time, value, error = (table.columns.get(name) for name in wanted)
    assert time is not None and value is not None
    if not time:
        raise ValueError("has no rows")
    for name, column in table.columns.items():
        for place, number in zip(table.places, column, strict=True):
            if not math.isfinite(number):
                raise ValueError(f"{place}, column {name}: must be a finite number, not {number}")
    for place, (before, after) in zip(table.places[1:], itertools.pairwise(time), strict=True):
        if after <= before:
            raise ValueError(f"{place}: its times must increase, and {after:g} follows {before:g}")
    for place, number in zip(table.places, error or (), strict=error is not None):
        if number <= 0:
            raise ValueError(
                f"{place}, column {observable}_error: an error must be positive, not {number:g}"
            )
    units = {name: unit for name, unit in table.units.items() if name in wanted}
    return MeasuredCourse(tuple(time), tuple(value), None if error is None else tuple(error), units)


def in_units(course: MeasuredCourse, observable: str, time_unit: str, unit: str) -> MeasuredCourse:
    """The same course in the units of the study, as far as its own can be converted to them."""
    error = f"{observable}_error"
    wanted = {"time": time_unit, observable: unit, error: unit}
    how = {name: conversion(said, wanted[name]) for name, said in course.units.items()}

    def converted(name: str, numbers: tuple[float, ...]) -> tuple[float, ...]:
        scale, offset = how.get(name) or (1.0, 0.0)
        # An error is a difference: it has no zero.
        return tuple(scale * number + (0.0 if name == error else offset) for number in numbers)

    return MeasuredCourse(
        converted("time", course.time),
        converted(observable, course.value),
        None if course.error is None else converted(error, course.error),
        {name: wanted[name] if how[name] else said for name, said in course.units.items()},
    )


def as_csv(courses: Mapping[str, MeasuredCourse]) -> str:
    """The text of a CSV file in which ``read_course`` finds the same numbers, to the last bit.

    Args:
        courses: The courses of one file, by observable; their times are the same.
    """
    columns: dict[str, Sequence[float]] = {}
    units: dict[str, str] = {}
    for observable, course in courses.items():
        columns |= {"time": course.time, observable: course.value}
        units |= course.units
        if course.error is not None:
            columns[f"{observable}_error"] = course.error
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f"{name} [{units[name]}]" if name in units else name for name in columns])
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def check_file(path: str) -> None:
    """Raises ValueError unless ``path`` is a file whose ending says what it is."""
    if not path.endswith(ENDINGS):
        raise ValueError(f"must end with {' or '.join(ENDINGS)}")
    if not is_file(path):
        raise ValueError(f"there is no file {path} in the working directory, {Path.cwd()}")


def _check_names(names: Sequence[str], observable: str) -> None:
    """Raises ValueError if a column that nobody would read is meant to be the error, by its name."""
    wanted = f"{observable}_error"
    if wanted in names:
        return
    for name in names:
        plain = re.sub(r"[\W_]+", "_", name).strip("_").lower()
        own = re.sub(r"[\W_]+", "_", observable).strip("_").lower()
        ending = plain.removeprefix(own).strip("_")
        endings = _ERRORS if plain != ending else _ERRORS - _ALSO_NAMES
        of_another = plain.removesuffix("_error") in {other.lower() for other in names if other != name}
        near = difflib.SequenceMatcher(None, plain, wanted.lower()).ratio() > _NEAR
        if name != observable and (ending in endings or (near and not of_another and plain != own)):
            raise ValueError(
                f'the column "{shown(name)}" would not be read: if it is the error of {observable}, '
                f"call it {wanted}; else leave it out"
            )
