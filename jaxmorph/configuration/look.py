"""How the figures of a run look: their size, type, names, and what of the run they show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, field_validator

from ..errors import JaxmorphError
from .fields import AllOrNames, ConfigurationModel, hint
from .limits import MAX_NAME

WIDTH = 183.0
"""Of a page of two columns, in mm."""


class DisplayName(ConfigurationModel):
    """How figures and report call a parameter or an observable; what is not given stays as it was."""

    name: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_NAME,
        description="in words; if not given, its own name, with spaces for `_`",
    )
    symbol: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_NAME,
        description="of mathematics as LaTeX writes it, without dollar signs (`k_B T`), which "
        "panels of figures have in place of the name, and axes beside it",
    )
    unit: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_NAME,
        description="how its unit is written (`µm h⁻¹`); numbers stay those of the study's unit",
    )

    @field_validator("name", "unit")
    @classmethod
    def _is_text(cls, text: str | None) -> str | None:
        if text is not None and "$" in text:
            raise ValueError("has a dollar sign; write mathematics as its symbol")
        return text

    @field_validator("symbol")
    @classmethod
    def _can_be_set(cls, symbol: str | None) -> str | None:
        if symbol is None:
            return None
        if "$" in symbol:
            raise ValueError("leave out the dollar signs")
        from matplotlib.mathtext import MathTextParser  # only here, for it takes a moment

        try:
            MathTextParser("path").parse(f"${symbol}$")
        except ValueError:
            raise ValueError("Matplotlib cannot set it; see its page on mathtext") from None
        return symbol


class Figures(ConfigurationModel):
    """How the figures look and what they show; changing it draws them again, and nothing else."""

    width: float | None = Field(
        None,
        ge=60,
        le=400,
        description="width of every figure in mm: journals want 89 (a column) or 183 (a page); if not "
        f"given, {WIDTH:g}, and less for what has few panels",
    )
    font_size: float = Field(
        7.0,
        ge=5,
        le=14,
        description="size of type in points; none is smaller than 5 points, but for indices "
        "and exponents of mathematics",
    )
    parameters: AllOrNames = Field(
        "all",
        description="the word `all`, or a list of those shown; of more than 12, `all` draws the largest "
        "ones of each panel",
    )
    observables: AllOrNames = Field(
        "all",
        description="the word `all`, or a list of those shown; of more than 12, `all` draws the first 9",
    )
    times: Annotated[tuple[float, float], Field(strict=False)] | None = Field(
        None,
        description="first and last time shown, as `[0, 40]`; what is drawn at one time is drawn at "
        "that of the findings, or at the record among these that is nearest to it; if not given, all",
    )
    panel_letters: bool = Field(False, description="whether panels have a bold letter: a, b, c")
    formats: Annotated[tuple[Literal["svg", "pdf", "png", "tiff"], ...], Field(strict=False)] = Field(
        (),
        description="files beside `svg`, `pdf` and `csv`, which there always are: `png` and `tiff`, at "
        "600 dots per inch",
    )
    names: dict[str, DisplayName] = Field(
        default_factory=dict,
        description="how parameters and observables are called, by their names, as "
        "`{kT: {name: noise strength, symbol: k_B T}}`; the page, too, calls them so",
    )

    @field_validator("times")
    @classmethod
    def _in_order(cls, times: tuple[float, float] | None) -> tuple[float, float] | None:
        if times is not None and times[0] > times[1]:
            raise ValueError("the first time is after the last; write the smaller one first")
        return times

    @field_validator("names")
    @classmethod
    def _distinct(cls, names: dict[str, DisplayName]) -> dict[str, DisplayName]:
        for what in ("name", "symbol"):
            called: dict[str, str] = {}
            for own, shown in names.items():
                text = getattr(shown, what)
                if text is not None and called.setdefault(text, own) != own:
                    raise ValueError(
                        f"{called[text]} and {own} have one {what}, {text}; give each its own"
                    )
        return names

    @property
    def endings(self) -> tuple[str, ...]:
        """Of all files of a figure."""
        always = ("svg", "pdf", "csv")
        return (*always, *dict.fromkeys(one for one in self.formats if one not in always))

    def check_names(self, parameters: Iterable[str], observables: Iterable[str] | None) -> None:
        """Whether a run has what is named; ``observables`` are None where only its study knows them.

        Raises:
            ValueError: It has not.
        """
        known: Mapping[str, Sequence[str]] = {
            "parameters": list(parameters),
            "observables": list(observables or ()),
        }
        for key, there in known.items():
            if key == "observables" and observables is None:
                continue
            chosen = getattr(self, key)
            for name in () if chosen == "all" else chosen:
                if name not in there:
                    raise ValueError(
                        f"{key} names {name}, which the run does not have; {hint(name, there)}"
                    )
        everything = [name for there in known.values() for name in there]
        for name in self.names if observables is not None else ():
            if name not in everything:
                raise ValueError(
                    f"names has {name}, which is no parameter or observable of the run; "
                    f"{hint(name, everything)}"
                )

    def check_times(self, times: Sequence[float]) -> None:
        """Whether a run records something at the times that are to be shown.

        Raises:
            JaxmorphError: It does not.
        """
        if self.times is not None and not any(self.times[0] <= t <= self.times[1] for t in times):
            raise JaxmorphError(
                f"figures.times = [{self.times[0]:g}, {self.times[1]:g}]: nothing is recorded then; "
                f"records are from {min(times):g} to {max(times):g}"
            )
