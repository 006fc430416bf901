"""How each number of the page is computed: formula, assumption, reference. Only what the page shows."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass

import xarray as xr

from ..quantities import Kind, Method, described
from . import convergence


@dataclass(frozen=True)
class Paragraph:
    """One method on the page; ``formula`` is HTML. It is told of what has any of ``variables``."""

    title: str
    formula: str
    text: str
    reference: str
    variables: tuple[str, ...] = ()


ESTIMATORS = {
    "smoothed": (
        "Gradients on this page are smoothed: derivatives of the mean over a spread of the "
        "parameters around each sample, not of single paths (Nesterov and Spokoiny, Found. Comput. "
        "Math. 17 (2017) 527-566)."
    ),
    "score": (
        "Gradients on this page are score-function (likelihood ratio) estimates, not pathwise "
        "derivatives (Glynn, Commun. ACM 33 (1990) 75-84)."
    ),
    "straight-through": (
        "Gradients on this page are straight-through estimates: cheap, and biased, also with any number "
        "of seeds. Intervals do not know of the bias. The score-function estimator (estimator: score) "
        "has none."
    ),
}
STRAIGHT_THROUGH = Method(
    "Straight-through gradients",
    "∂c/∂p := 1 for a discrete choice c = 0 or 1 of probability p",
    "The pathwise derivative of each simulation, with this surrogate for the derivative of a choice, "
    "such as whether a cell divides. Its mean is right for one choice in which an observable is linear, "
    "and for the number of cells that divide at constant rates. It is biased where an observable is "
    "curved, and leaves out what a choice does through comparisons, later choices and forces.",
    "Bengio, Léonard and Courville, arXiv:1308.3432 (2013)",
)


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
    biased = any(data.attrs.get("estimator") == "straight-through" for data in given)
    judged = any(one.within is not None for one in quantities)
    found = [
        *([STRAIGHT_THROUGH] if biased else []),
        *methods.values(),
        *intervals,
        *([convergence.METHOD] if judged else []),
    ]
    return [Paragraph(m.title, formula_html(m.formula), m.text, m.source) for m in found]


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
