"""Columns of numbers in CSV and NetCDF files, as people write them; a mistake is told with its place."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..listing import shortened

# "position [um]": the unit of a column may stand behind its name.
_HEADER = re.compile(r"\s*(?P<name>.*?)\s*(?:\[(?P<unit>[^\]]*)\])?\s*")
_LONGEST_CELL = 40
_NO_COMMA = "a number has a point, and no comma"


@dataclass(frozen=True)
class Table:
    """What a file has: names and units of all columns, the wanted ones as numbers, where each row is."""

    names: Sequence[str]
    units: Mapping[str, str]
    columns: Mapping[str, Sequence[float]]
    places: Sequence[str]


def read_csv(path: str, wanted: Sequence[str]) -> Table:
    """The columns of a CSV file; those that are ``wanted``, as numbers. Others may hold texts.

    Raises:
        ValueError: One line on what is wrong, with the line of the file and the text of the cell.
    """
    header, *rows = _rows(path) or [(1, [])]
    names, units = [], {}
    for entry in header[1]:
        match = _HEADER.fullmatch(entry)
        assert match is not None
        names.append(match["name"])
        if match["unit"] is not None:
            units[match["name"]] = match["unit"].strip()
    _check_header(names, header[1])
    for line, row in rows:
        if surplus := [cell.strip() for cell in row[len(names) :] if cell.strip()]:
            raise ValueError(
                f'line {line}: the cell "{shown(surplus[0])}" is in no column, the header has '
                f"{len(names)}; {_NO_COMMA}"
            )
    columns = {
        name: [_number(row, names.index(name), name, line) for line, row in rows]
        for name in wanted
        if name in names
    }
    return Table(names, units, columns, [f"line {line}" for line, _ in rows])


def _rows(path: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, with the number of the line at which each ends."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            return [(reader.line_num, row) for row in reader if any(entry.strip() for entry in row)]
    except UnicodeDecodeError as error:
        raise ValueError(f"cannot be read as CSV: byte {error.start} is not UTF-8; save it so") from None
    except (OSError, csv.Error) as error:
        raise ValueError(f"cannot be read as CSV: {error}") from None


def _check_header(names: Sequence[str], cells: Sequence[str]) -> None:
    """Raises ValueError if columns are separated by something else, or two have one name."""
    for sign, name in ((";", "semicolons"), ("\t", "tabulators")):
        if len(cells) == 1 and sign in cells[0]:
            raise ValueError(
                f"its columns are separated by {name}; separate them by commas; {_NO_COMMA}"
            )
    for place, name in enumerate(names):
        if name and name in names[:place]:
            raise ValueError(f'has two columns of the name "{shown(name)}"; leave one out')


def _number(row: Sequence[str], place: int, name: str, line: int) -> float:
    text = row[place].strip() if place < len(row) else ""
    where = f"line {line}, column {name}"
    if not text:
        raise ValueError(f"{where}: the cell is empty; leave the row out, or give a number")
    try:
        if not text.isascii() or "_" in text:
            raise ValueError
        number = float(text)
    except ValueError:
        tip = f"; {_NO_COMMA}" if "," in text else ""
        tip = "; a quotation mark is not closed" if "\n" in text else tip
        raise ValueError(f'{where}: "{shown(text)}" is not a number{tip}') from None
    if not math.isfinite(number):
        raise ValueError(f'{where}: "{shown(text)}" is no finite number')
    return number


def shown(text: str, most: int = _LONGEST_CELL) -> str:
    """A text of a cell on one line, shortened if it is long."""
    return shortened("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text), most)


def read_netcdf(path: str, wanted: Sequence[str]) -> Table:
    """The variables of a NetCDF file; those that are ``wanted``, as numbers.

    Raises:
        ValueError: One line on what is wrong.
    """
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            names = [name for name in wanted if name in file.variables]
            columns: dict[str, list[float]] = {}
            for name in names:
                if file[name].ndim != 1 or getattr(file[name].dtype, "kind", "text") not in (
                    "f",
                    "i",
                    "u",
                ):
                    raise ValueError(f"variable {name} must be numbers along one dimension, time")
                values = file[name][:]
                columns[name] = [float(x) for x in values.astype(float).filled(math.nan)]
            lengths = {name: len(column) for name, column in columns.items()}
            if len(set(lengths.values())) > 1:
                said = ", ".join(f"{name} {length}" for name, length in lengths.items())
                raise ValueError(f"its variables differ in length: {said}")
            units = {n: str(file[n].units) for n in names if "units" in file[n].ncattrs()}
            places = [f"entry {i}" for i in range(1, max(lengths.values(), default=0) + 1)]
            return Table(list(file.variables), units, columns, places)
    except (OSError, RuntimeError, AttributeError, IndexError) as error:
        raise ValueError(f"cannot be read as NetCDF: {error}") from None
