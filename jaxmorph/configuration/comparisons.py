"""Which runs are shown beside each other: the key `compare`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from .fields import hint
from .limits import MAX_NAME

PREFIX = "compare-"
"""What the folder of a comparison begins with, and that of no run."""

_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
_RUNS = {"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True}
_EXAMPLE = "{drug: [control, mutant]}"


def _read(value: object) -> dict[str, tuple[str, ...]]:
    """Names of runs by the name of each comparison; one list alone is named after its runs."""
    if isinstance(value, list | tuple):
        name = "-".join(map(str, value))
        if len(name) > MAX_NAME:
            raise ValueError(f"the names of its runs are too long for a page's; name it: {_EXAMPLE}")
        return {name: _runs("", value)}
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping such as {_EXAMPLE}, or a list of runs")
    for name in value:
        if not isinstance(name, str) or not re.fullmatch(_NAME, name):
            raise ValueError(
                f"{name!r} cannot be the name of a comparison; use letters, digits, - and _, "
                "beginning with a letter or a digit"
            )
        if len(name) > MAX_NAME:
            raise ValueError(f"the name {name[:20]}... has {len(name)} letters; the most is {MAX_NAME}")
    return {name: _runs(f"{name} ", runs) for name, runs in value.items()}


def _runs(start: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{start}must be a list of runs, such as [control, mutant]")
    if twice := next((run for run, n in Counter(value).items() if n > 1), None):
        raise ValueError(f"{start}names {twice} twice")
    if len(value) < 2:
        raise ValueError(f"{start}must name two runs or more")
    return tuple(value)


def check_runs(comparisons: Mapping[str, tuple[str, ...]], runs: Collection[str]) -> None:
    """Raises ValueError if a comparison names a run that is not there."""
    for name, compared in comparisons.items():
        for run in compared:
            if run not in runs:
                raise ValueError(
                    f"{name} names the run {run}, which is not under runs; {hint(run, runs)}"
                )


Comparisons = Annotated[
    dict[str, tuple[str, ...]],
    BeforeValidator(_read),
    WithJsonSchema({"oneOf": [{"type": "object", "patternProperties": {_NAME: _RUNS}}, _RUNS]}),
]
"""Runs of each comparison, by its name."""


def without_prefix(name: Any) -> Any:
    """Raises ValueError if a run has the name of a folder of comparisons."""
    if isinstance(name, str) and name.startswith(PREFIX):
        raise ValueError("is that of a comparison")
    return name
