"""The terms of an objective, and the files that some of them are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from ..errors import JaxmorphError
from .courses import MeasuredCourse, as_csv, check_file, read_course
from .elsewhere import without_place
from .fields import ConfigurationModel

FILES_MUST_EXIST = {"files_must_exist": True}
"""Context of a validation that looks for the files that a configuration names.

A run that is read back from a dataset is valid without them.
"""

When = Literal["end", "all"]


class _Term(ConfigurationModel):
    """What the terms of an objective have in common."""

    observable: str = Field(description="name of an observable of the study")


class _Weighted(_Term):
    when: When = Field("end", description="at the `end`, or the average over `all` recorded times")
    weight: float = Field(1.0, gt=0, description="weight of the term in the sum")


class Target(_Weighted):
    """((mean over seeds - `value`) / `error`)^2."""

    goal: Literal["target"] = "target"
    value: float = Field(description="what the observable should be, in its unit")
    error: float = Field(
        1.0, gt=0, description="how well `value` is known, or has to be met, in the observable's unit"
    )

    @property
    def in_words(self) -> str:
        """What is asked for, without its weight."""
        return f"target {self.observable} = {self.value:g} +- {self.error:g}, {self.when}"


class TimeCourse(_Term):
    """The mean over the times of the file of ((mean over seeds - value) / error)^2."""

    goal: Literal["time-course"] = "time-course"
    data: str = Field(
        description="a .csv or .nc file with columns (variables) `time`, the observable's name and, if "
        "known, `<observable>_error` (else all are 1); units as `name [unit]` in CSV, as attribute "
        "`units` in NetCDF, are converted to those of the study; between recorded times the "
        "model is interpolated"
    )
    weight: float = Field(1.0, gt=0, description="weight of the term in the sum")

    @field_validator("data")
    @classmethod
    def _has_the_course(cls, data: str, info: ValidationInfo) -> str:
        if info.context == FILES_MUST_EXIST:
            check_file(data)
            if "observable" in info.data:
                read_course(data, info.data["observable"])
        return data

    @property
    def in_words(self) -> str:
        """What is asked for, without its weight."""
        return f"{self.observable} as in {without_place(self.data)}"


class Minimise(_Weighted):
    """The mean over seeds, to be as small as possible."""

    goal: Literal["minimise"] = "minimise"

    @property
    def in_words(self) -> str:
        """What is asked for, without its weight."""
        return f"minimise {self.observable}, {self.when}"


class Maximise(_Weighted):
    """The mean over seeds, to be as large as possible."""

    goal: Literal["maximise"] = "maximise"

    @property
    def in_words(self) -> str:
        """What is asked for, without its weight."""
        return f"maximise {self.observable}, {self.when}"


Term = Annotated[Target | TimeCourse | Minimise | Maximise, Field(discriminator="goal")]
"""Any of them; the key ``goal`` says which."""


def in_words(terms: Sequence[Term]) -> str:
    """An objective on one line."""
    return "; ".join(
        term.in_words if term.weight == 1 else f"{term.weight:g} x ({term.in_words})" for term in terms
    )


def goals_of(terms: Sequence[Term], observable: str) -> str:
    """The goals of one observable, each once."""
    return ", ".join(dict.fromkeys(term.goal for term in terms if term.observable == observable))


def read_courses(terms: Sequence[Term]) -> dict[int, MeasuredCourse]:
    """The measured time course of each term that has one, by its place.

    Raises:
        JaxmorphError: If a file cannot be had; names the term.
    """
    courses = {}
    for i, term in enumerate(terms):
        if isinstance(term, TimeCourse):
            try:
                courses[i] = read_course(term.data, term.observable)
            except ValueError as error:
                raise JaxmorphError(f"objective[{i}].data = {term.data}: {error}") from error
    return courses


def used_data(terms: Sequence[Term], courses: Mapping[int, MeasuredCourse]) -> dict[str, str]:
    """What an objective uses of each data file, as CSV, so that a report can hand it on.

    Args:
        terms: The objective.
        courses: The measured time course of each term that has one, by its place.
    """
    files: dict[str, dict[str, MeasuredCourse]] = {}
    for i, course in courses.items():
        term = terms[i]
        assert isinstance(term, TimeCourse)
        files.setdefault(term.data, {})[term.observable] = course
    return {file: as_csv(of_file) for file, of_file in files.items()}
