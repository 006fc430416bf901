"""What a number in a file is: declared beside its formula, written with it, read back from there."""

from .declaration import COORDINATES, Interval, Kind, Method, Needs, Quantity, part_of
from .describe import (
    Attributes,
    absent,
    attributes_of,
    describe,
    described,
    unit_of_entry,
    why_absent,
    written_unit,
)
from .literals import literal
from .units import composed

__all__ = [
    "COORDINATES",
    "Attributes",
    "Interval",
    "Kind",
    "Method",
    "Needs",
    "Quantity",
    "absent",
    "attributes_of",
    "composed",
    "describe",
    "described",
    "literal",
    "part_of",
    "unit_of_entry",
    "why_absent",
    "written_unit",
]
