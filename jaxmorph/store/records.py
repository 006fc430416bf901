"""The JSON files that a run's first jobs leave for the others."""

from pathlib import Path
from typing import TypeVar

from pydantic import ConfigDict, JsonValue, ValidationError

from ..configuration.courses import MeasuredCourse
from ..configuration.fields import ConfigurationModel
from ..configuration.identity import Identity
from ..distributions import Distribution
from ..errors import JaxmorphError
from .files import read_json, remedy, write_json

MADE_OF = "made_of"
"""The key of what a record is made of: the specification of the job that wrote it."""


class ParameterRecord(ConfigurationModel):
    """A varied parameter."""

    name: str
    unit: str
    description: str
    default: float
    distribution: Distribution


class CutRecord(ConfigurationModel):
    """A line of a study at which derivatives end: a comparison, a rounding, a raw choice.

    Attributes:
        place: File and line.
        text: What stands there.
        pairs: Observables with the parameters that reach them through it.
    """

    place: str
    text: str
    pairs: tuple[tuple[str, str], ...]


class StudyRecord(ConfigurationModel):
    """``study.json``: what the study says of itself.

    Attributes:
        study: As the configuration names it.
        study_description: The first line of its docstring.
        study_source: The text of the user's own file that holds it; empty for any other.
        stochastic: Whether simulations with different seeds differ.
        settings: All of its settings.
        fixed_parameters: Values of the parameters that do not vary.
        parameters: Those that vary, in the order of the ``parameter`` axis.
        cuts: Where derivatives end on the way from these to the observables.
    """

    # A setting or a fixed parameter may be infinite, such as the range of a force.
    model_config = ConfigDict(allow_inf_nan=True, ser_json_inf_nan="constants")

    study: str
    study_description: str
    study_source: str
    stochastic: bool
    settings: dict[str, JsonValue]
    fixed_parameters: dict[str, float]
    parameters: tuple[ParameterRecord, ...]
    cuts: tuple[CutRecord, ...]


class ObjectiveRecord(ConfigurationModel):
    """``objective.json``: what an objective is held against.

    Attributes:
        time: The recorded times.
        courses: The measured time course of each term that has one, by its place.
    """

    time: tuple[float, ...]
    courses: dict[int, MeasuredCourse]


Record = TypeVar("Record", StudyRecord, ObjectiveRecord)


def write_record(record: StudyRecord | ObjectiveRecord, path: str | Path, made_of: Identity) -> None:
    """Write a record with what it is made of: aside first, then renamed into place."""
    write_json(record.plain() | {MADE_OF: dict(made_of.plain)}, path)


def read_record(path: str | Path, kind: type[Record], made_of: Identity) -> Record:
    """Read a record.

    Raises:
        JaxmorphError: If it is missing, damaged, of another version, or made of something else.
    """
    content = read_json(path)
    found = content.pop(MADE_OF, None)
    try:
        record = kind.from_plain(content)
    except ValidationError as error:
        raise JaxmorphError(f"{path}: is damaged or of another version; {remedy(path)}") from error
    if (refusal := made_of.other_than(found)) is not None:
        raise JaxmorphError(f"{path}: {refusal}; {remedy(path)}")
    return record
