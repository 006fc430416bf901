"""What a number in a file is: declared beside its formula, written with it, read back from there."""

from .declaration import COORDINATES, Interval, Kind, Method, Quantity, part_of
from .describe import (
    absent,
    attributes_of,
    describe,
    described,
    methods_of,
    unit_of_entry,
    why_absent,
    written_unit,
)
from .units import composed

__all__ = [
    "COORDINATES",
    "Interval",
    "Kind",
    "Method",
    "Quantity",
    "absent",
    "attributes_of",
    "composed",
    "describe",
    "described",
    "methods_of",
    "part_of",
    "unit_of_entry",
    "why_absent",
    "written_unit",
]
