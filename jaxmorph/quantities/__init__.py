"""What a number in a file is: declared beside its formula, written with it, read back from there."""

from .declaration import COORDINATES, Interval, Kind, Method, Needs, Quantity, part_of
from .describe import (
    Attributes,
    absent,
    attributes_of,
    by_name,
    declaration_of,
    describe,
    described,
    unit_of_entry,
    why_absent,
    written_unit,
)
from .literals import literal
from .units import composed, power_in

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
    "by_name",
    "composed",
    "declaration_of",
    "describe",
    "described",
    "literal",
    "part_of",
    "power_in",
    "unit_of_entry",
    "why_absent",
    "written_unit",
]
