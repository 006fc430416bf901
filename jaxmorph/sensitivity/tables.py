"""What the documentation says of each estimate, from its declaration.

A page holds a pair of comments, ``<!-- variables -->`` or ``<!-- formulas -->`` and ``<!-- end -->``;
what is between them is written here.
"""

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

from ..atomic import written_aside
from ..quantities import Interval, Quantity
from .estimator import Estimator, estimators

PAGES = ("data.md", "estimates.md")
_PLACE = re.compile(r"(<!-- (variables|formulas) -->\n).*?(?=<!-- end -->)", re.S)
_PARTS = {
    Interval.NONE: "",
    Interval.SEEDS: " (`_low`, `_high`)",
    Interval.SAMPLES_AND_SEEDS: " (`_low`, `_high`, `_se_samples`, `_se_seeds`)",
}


def write_tables(folder: Path) -> None:
    """Write the tables of both pages anew."""
    for page in PAGES:
        path = folder / page
        text = with_tables(path.read_text(encoding="utf-8"))
        with written_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")


def with_tables(page: str) -> str:
    """A page with its tables as the declarations have them."""
    makers = {"variables": _variables, "formulas": _formulas}
    return _PLACE.sub(lambda found: f"{found[1]}{makers[found[2]]()}\n", page)


def _variables() -> str:
    """Names, dimensions, units and meanings, as files have them; a table for each estimator."""
    sections = []
    for cls, quantities in _once():
        lines = [
            f"**{_about(cls)}**\n",
            "| variable | dims | unit | meaning | designs |",
            "|---|---|---|---|---|",
        ]
        for q in quantities:
            what = [f"`{q.name}`{_PARTS[q.interval]}", ", ".join(q.dims), _unit(q), q.long_name]
            lines.append(f"| {' | '.join([*what, q.designs or 'all'])} |")
        sections.append("\n".join(lines))
    return "\n\n".join(sections)


def _formulas() -> str:
    """Formulas, assumptions and sources, method by method."""
    by_method: dict[str, list[Quantity]] = {}
    for _, quantities in _once():
        for q in quantities:
            if q.method is not None:
                by_method.setdefault(q.method.title, []).append(q)
    sections = []
    for title, quantities in by_method.items():
        method = quantities[0].method
        assert method is not None
        source = f" Source: {method.source}." if method.source else ""
        rows = [f"| `{q.name}` | {_code(q.formula or method.formula)} |" for q in quantities]
        table = "\n".join(["| name | formula |", "|---|---|", *rows])
        sections.append(f"**{title}.** {method.text}{source}\n\n{table}")
    return "\n\n".join(sections)


def _once() -> list[tuple[type[Estimator], Sequence[Quantity]]]:
    """The quantities of each estimator that none before it has; estimates of each sample first."""
    seen: set[str] = set()
    found: list[tuple[type[Estimator], Sequence[Quantity]]] = []
    for cls in sorted(estimators(), key=lambda cls: cls.quantities[0].dims[:1] != ("sample",)):
        quantities = [q for q in cls.quantities if q.name not in seen]
        seen |= {q.name for q in quantities}
        if quantities:
            found.append((cls, quantities))
    return found


def _about(cls: type[Estimator]) -> str:
    return (inspect.getdoc(cls) or cls.__name__).splitlines()[0]


def _unit(quantity: Quantity) -> str:
    return re.sub(r"\^(-?\d+)", r"<sup>\1</sup>", quantity.unit)


def _code(formula: str) -> str:
    """A bar would end the entry of a table."""
    return "`" + formula.replace("|", "\\|") + "`"
