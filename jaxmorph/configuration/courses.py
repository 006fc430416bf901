"""Measured time courses: the files that an objective is held against."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENDINGS = (".csv", ".nc")
# "position [um]": the unit of a column may stand behind its name.
_HEADER = re.compile(r"\s*(?P<name>.*?)\s*(?:\[(?P<unit>[^\]]*)\])?\s*")


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
    attribute ``units``.

    Raises:
        ValueError: If the file is not like that; says what is wrong in one line.
    """
    columns, units = _read_netcdf(path, observable) if path.endswith(".nc") else _read_csv(path)
    missing = [name for name in ("time", observable) if name not in columns]
    if missing:
        there = f"it has {', '.join(columns)}" if columns else "it is empty"
        raise ValueError(
            f"has no column {' and no column '.join(missing)}; {there}, and must have time, "
            f"{observable} and, for errors, {observable}_error"
        )
    time, value = columns["time"], columns[observable]
    error = columns.get(f"{observable}_error")
    if not time:
        raise ValueError("has no rows")
    for name, column in (("time", time), (observable, value), (f"{observable}_error", error or ())):
        for row, number in enumerate(column, start=1):
            if not math.isfinite(number):
                raise ValueError(f"column {name}, row {row}: must be a finite number, not {number}")
    for before, after in itertools.pairwise(time):
        if after <= before:
            raise ValueError(f"its times must increase, and {after:g} follows {before:g}")
    for row, number in enumerate(error or (), start=1):
        if number <= 0:
            raise ValueError(
                f"column {observable}_error, row {row}: an error must be positive, not {number:g}"
            )
    wanted = ("time", observable, f"{observable}_error")
    return MeasuredCourse(
        tuple(time),
        tuple(value),
        None if error is None else tuple(error),
        {name: unit for name, unit in units.items() if name in wanted},
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


def _read_csv(path: str) -> tuple[dict[str, list[float]], dict[str, str]]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if any(entry.strip() for entry in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"cannot be read as CSV: {error}") from None
    if not rows:
        return {}, {}
    columns: dict[str, list[float]] = {}
    units = {}
    names = []
    for entry in rows[0]:
        match = _HEADER.fullmatch(entry)
        assert match is not None
        names.append(match["name"])
        if match["unit"] is not None:
            units[match["name"]] = match["unit"].strip()
    for place, name in enumerate(names):
        columns[name] = [_number(row, place, name, i) for i, row in enumerate(rows[1:], start=1)]
    return columns, units


def _number(row: Sequence[str], place: int, name: str, number: int) -> float:
    text = row[place].strip() if place < len(row) else ""
    try:
        return float(text)
    except ValueError:
        # A column that nobody asks for may hold texts: it is NaN, and never looked at.
        return math.nan


def _read_netcdf(path: str, observable: str) -> tuple[dict[str, list[float]], dict[str, str]]:
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            names = [n for n in ("time", observable, f"{observable}_error") if n in file.variables]
            columns: dict[str, list[float]] = {}
            for name in names:
                if file[name].ndim != 1 or file[name].dtype.kind not in "fiu":
                    raise ValueError(f"variable {name} must be numbers along one dimension, time")
                columns[name] = [float(x) for x in file[name][:].filled(math.nan)]
            lengths = {name: len(column) for name, column in columns.items()}
            if len(set(lengths.values())) > 1:
                said = ", ".join(f"{name} {length}" for name, length in lengths.items())
                raise ValueError(f"its variables differ in length: {said}")
            units = {n: str(file[n].units) for n in names if "units" in file[n].ncattrs()}
            others: dict[str, list[float]] = {name: [] for name in file.variables if name not in names}
            return columns | others, units
    except (OSError, RuntimeError) as error:
        raise ValueError(f"cannot be read as NetCDF: {error}") from None


def check_file(path: str) -> None:
    """Raises ValueError unless ``path`` is a file whose ending says what it is."""
    if not path.endswith(ENDINGS):
        raise ValueError(f"must end with {' or '.join(ENDINGS)}")
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path} in the working directory, {Path.cwd()}")
