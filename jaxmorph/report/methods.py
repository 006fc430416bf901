"""How each number of the page is computed: formula, assumption, reference. Only what the page shows."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from ..configuration import GRADIENT_ESTIMATORS
from ..quantities import Kind, Method, described
from . import convergence, over_time


@dataclass(frozen=True)
class Paragraph:
    """One method on the page; ``formula`` is HTML."""

    title: str
    formula: str
    text: str
    reference: str


def shown(*datasets: xr.Dataset | None) -> list[Paragraph]:
    """The methods behind what these datasets have, in the order of tables."""
    given = [dataset for dataset in datasets if dataset is not None]
    quantities = [described(data[name]) for data in given for name in map(str, data.data_vars)]
    kinds = list(Kind)
    quantities.sort(key=lambda one: kinds.index(one.kind))
    methods = {one.method.title: one.method for one in quantities if one.method is not None}
    intervals = [
        Method(**json.loads(data.attrs["interval_method"]))
        for data in given
        if "interval_method" in data.attrs
    ]
    declared = [GRADIENT_ESTIMATORS.get(str(data.attrs.get("estimator"))) for data in given]
    of_gradients = {one.name: one.method for one in declared if one and one.method}
    judged = any(one.within is not None for one in quantities)
    found = [
        *of_gradients.values(),
        *methods.values(),
        *intervals,
        *([convergence.METHOD] if judged else []),
        *([over_time.METHOD] if any(over_time.over_time(data) for data in given) else []),
    ]
    return [Paragraph(m.title, formula_html(m.formula), m.text, m.source) for m in found]


def caution(attrs: Mapping[str, Any]) -> str:
    """What to know of the estimator of the gradients before reading on; empty if nothing."""
    declared = GRADIENT_ESTIMATORS.get(str(attrs.get("estimator")))
    return declared.caution if declared else ""


def other_estimators() -> list[str]:
    """The estimators that help where derivatives along paths explode."""
    return [name for name, declared in GRADIENT_ESTIMATORS.items() if not declared.along_paths]


def formula_html(formula: str) -> str:
    """A formula of a declaration: ``_`` and ``^`` as sub- and superscripts, symbols in italics."""
    text = html.escape(formula, quote=False)
    # A single letter is a symbol; E and T stand for expectation and transpose.
    text = re.sub(r"(?<![^\W_])([^\W\d_ET])(?![^\W_])", r"<i>\1</i>", text)
    for sign, tag in (("_", "sub"), ("^", "sup")):
        braces = rf"\{sign}\{{([^}}]*)\}}"
        text = re.sub(braces, rf"<{tag}>\1</{tag}>", text)
        text = re.sub(rf"\{sign}(<i>[^<]*</i>|[^\W_]+)", rf"<{tag}>\1</{tag}>", text)
    return text
