"""Put the report of a run together as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from matplotlib.figure import Figure

from ..animations import poster
from ..errors import JaxmorphError
from ..figures import Caption, caption, draw, nothing_because, sources
from ..figures.catalogue import ANIMATIONS, CATALOGUE, figure_names
from ..figures.entry import Entry
from ..figures.estimates import present, unreliable
from ..figures.save import lay_out, render, write_whole
from ..figures.stated import when
from ..figures.style import words
from ..integrity import read_listed, sealed
from ..quantities import Kind
from . import (
    answer,
    checked,
    convergence,
    convergence_table,
    expansion,
    explorer,
    facts,
    findings,
    incomplete,
    light,
    live,
    methods,
    next_step,
    observables,
    one_answer,
    optimisation,
    over_time,
    reproduce,
    summary,
)
from .glossary import Explained

_HEAVY_SVG, _HEAVY_PNG = 400_000, 300_000
"""Bytes of a vector drawing that the page has as a picture instead, and of a picture that is coarser."""
_FINENESS = (200, 140, 100)
"""Dots per inch of such a picture."""
_PLAIN = " =:/;,'()!*@[]{}|+$?^~`.-_"
"""Characters that stand for themselves in such a link, in HTML, too."""
_COURSES = "values_over_time"
"""The figure that stands after the first screen."""
_MOST_FINDINGS = 10
"""So many observables are in the list of findings that is not folded."""


@dataclass(frozen=True)
class Data:
    """The datasets of a run that its page is made from."""

    sensitivity: xr.Dataset
    checks: xr.Dataset | None = None
    optimisation: xr.Dataset | None = None


@dataclass(frozen=True)
class Picture:
    """A figure or a film as the page shows it."""

    name: str
    entry: Entry
    source: str
    links: tuple[tuple[str, str], ...]
    alt: str
    variables: tuple[str, ...]
    caption: Caption
    points: float = 0.0
    poster: str = ""


def write_report(
    path: str | os.PathLike[str],
    run: str,
    sensitivity: xr.Dataset,
    figures: str | os.PathLike[str],
    animations: Mapping[str, str | os.PathLike[str]] | None = None,
    checks: xr.Dataset | None = None,
    optimisation: xr.Dataset | None = None,
    *,
    alone: bool = False,
) -> None:
    """Write the page.

    Args:
        path: the HTML file to write; whole or absent.
        run: name of the run.
        sensitivity: its ``sensitivity.nc``.
        figures: the folder that holds each figure as ``.svg``, ``.pdf`` and ``.csv``.
        animations: films by name (``cells``, ``corners``, ``optimisation``).
        checks: its ``checks.nc``, if it was made.
        optimisation: its ``optimisation.nc``, if the run optimises its parameters.
        alone: whether the page goes without the files: it carries the data of its figures then, and
            links to nothing.

    Raises:
        JaxmorphError: a figure or film that the page shows is missing.
    """
    path, folder = Path(path), Path(figures)
    data = Data(sensitivity, checks, optimisation)
    beside = None if alone else path.parent
    parts, absent = _parts(folder, beside, data)
    films = [_film(name, Path(film), beside) for name, film in (animations or {}).items()]
    first = [one for figures_ in parts.values() for one in figures_ if one.name == _COURSES]
    parts = {part: [one for one in each if one not in first] for part, each in parts.items()}
    context = {
        **_context(run, data), "courses": first[0] if first else None, "parts": parts, "absent": absent,
        "films": films, "alone": alone,
    }  # fmt: skip
    file = "sensitivity.nc" if alone else f"results/{run}/sensitivity.nc"
    context["example"] = example(file, sensitivity)
    write_whole(path, sealed(rendered(context).encode(), ".html"))


def _context(run: str, data: Data) -> dict[str, Any]:
    """Everything that the page says, but for figures and films."""
    sensitivity, checks = data.sensitivity, data.checks
    found = summary.rankings(sensitivity)
    judged, over = convergence.all_verdicts(sensitivity), over_time.over_time(sensitivity)
    flags = unreliable(sensitivity)
    return {
        "run": run,
        "attrs": sensitivity.attrs,
        "study": facts.study_name(sensitivity.attrs),
        "extent": facts.extent(sensitivity),
        "estimator": methods.caution(sensitivity.attrs),
        "other_estimators": methods.other_estimators(),
        "bias": sensitivity.attrs.get("gradient_bias", ""),
        "not_one_answer": one_answer.differs(checks),
        "chaos": one_answer.chaos(checks),
        "one_answer": one_answer.agrees(checks),
        "refuted": incomplete.refuted(sensitivity, checks),
        "asked": answer.asked(sensitivity),
        "answer": answer.answer(found),
        "answers": answer.sentences(sensitivity, found),
        "shares": all(r.measure is None or r.measure.is_share for r in found),
        "light": light.light(sensitivity, checks, found, judged),
        "next": next_step.next_step(sensitivity, checks, found, judged),
        "convergence": convergence_table.lines(sensitivity, found, judged),
        "most_findings": _MOST_FINDINGS,
        "findings": findings.per_observable(sensitivity, found),
        "over_time": over_time.told_over_time(sensitivity, over),
        "overall": findings.of_run(sensitivity, found),
        "negative": summary.negative(sensitivity),
        "sign_changes": summary.sign_changes(sensitivity),
        "when": when(sensitivity),
        "has_intervals": "elasticity_average_low" in sensitivity,
        "single_seed": summary.single_seed(sensitivity),
        "worst_check": checked.worst_difference(checks),
        "not_compared": checked.not_compared(checks),
        "along_lines": checked.along_lines(checks),
        "expansion": expansion.predicts(sensitivity),
        "flagged": flags is not None and bool(flags.any()),
        "explorer": explorer.document(sensitivity, found),
        "live": live.live(run, sensitivity),
        "sections": observables.sections(sensitivity, found, over),
        "health": summary.health(sensitivity),
        "methods": methods.shown(sensitivity, checks, data.optimisation),
        "facts": facts.run_facts(sensitivity),
        "parameters": facts.parameter_rows(sensitivity),
        "observables": facts.observable_rows(sensitivity),
        "code": facts.code_in_words(sensitivity.attrs),
        "missing": facts.missing(sensitivity),
        "attachments": reproduce.attachments(run, sensitivity, data.optimisation),
        "commands": reproduce.commands(sensitivity.attrs),
        "optimisation": optimisation.part(data.optimisation),
    }


def _parts(
    folder: Path, beside: Path | None, data: Data
) -> tuple[dict[str, list[Picture]], dict[str, list[tuple[str, str]]]]:
    """The figures of each part of the page; and those that have nothing to show, with the reason."""
    parts: dict[str, list[Picture]] = {entry.part: [] for entry in CATALOGUE.values()}
    absent: dict[str, list[tuple[str, str]]] = {part: [] for part in parts}
    method = str(data.sensitivity.attrs.get("design_method", ""))
    n_parameters = data.sensitivity.sizes["parameter"]
    for name in figure_names(
        method, n_parameters, data.checks is not None, data.optimisation is not None
    ):
        entry = CATALOGUE[name]
        others = {"optimisation.nc": data.optimisation, "checks.nc": data.checks}
        shown = others.get(entry.source, data.sensitivity)
        assert shown is not None
        reason = nothing_because(name, shown)
        if reason is None:
            parts[entry.part].append(_figure(name, folder, beside, data))
        else:
            absent[entry.part].append((entry.title, reason))
    return parts, absent


def example(file: str, sensitivity: xr.Dataset) -> str:
    """Five lines of xarray that read the data behind the page."""
    observable = str(sensitivity["observable"].values[0])
    parameter = str(sensitivity["parameter"].values[0])
    shown = ["gradient_average", "elasticity_average"]
    if shown[-1] not in sensitivity:  # of values alone
        shown = [q.name for q in present(sensitivity, Kind.TOTAL, Kind.FIRST, Kind.EFFECT)][:2]
    lines = ["import xarray as xr", f'data = xr.open_dataset("{file}")']
    if shown:
        lines += [
            f'print(data["{shown[-1]}"].isel(time=-1).to_pandas())  # observable x parameter',
            f'one = data.sel(observable="{observable}", parameter="{parameter}")',
            f"print(one[{json.dumps(shown)}].to_dataframe())  # over time",
        ]
    return "\n".join(lines)


def rendered(context: dict[str, Any], template: str = "page.html") -> str:
    """The page of a template."""
    environment = Environment(
        loader=PackageLoader("jaxmorph.report", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    explained = Explained()
    environment.filters |= {"words": words, "terms": explained.mark, "numbers": _unbroken}
    context = {**context, "explained": explained}
    return environment.get_template(template).render(context)


def _unbroken(text: str) -> str:
    """A text, or HTML, whose numbers stay with their signs and units."""
    kept = str(text).replace(" %", "\u00a0%").replace(" \u00b1 ", "\u00a0\u00b1\u00a0")
    return Markup(kept) if isinstance(text, Markup) else kept


def embedded_svg(svg: bytes) -> Markup:
    """A drawing as a link that holds it, as text, which is shorter than base64 makes it."""
    text = re.sub(r">\s+<", "><", svg.decode()).replace("'DejaVu Sans'", "DejaVu Sans")
    text = re.sub(r"<[^'>]*>", lambda tag: tag.group().replace('"', "'"), text)
    return Markup(f"data:image/svg+xml,{quote(text, safe=_PLAIN)}")


def embedded(content: bytes, kind: str) -> str:
    """A file as a link that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _figure(name: str, folder: Path, beside: Path | None, data: Data) -> Picture:
    svg = _content(folder / f"{name}.svg", f"the figure {name}")
    source: str
    if len(svg) <= _HEAVY_SVG:
        source = embedded_svg(svg)
    else:
        drawn = draw(name, data.sensitivity, data.checks, data.optimisation)[0]
        source = embedded(_coarse(drawn), "image/png")
    if beside is None:
        table = _content(folder / f"{name}.csv", f"the data of the figure {name}")
        links: tuple[tuple[str, str], ...] = (("CSV", embedded(table, "text/csv")),)
    else:
        here = os.path.relpath(folder, beside)
        links = tuple((kind.upper(), f"{here}/{name}.{kind}") for kind in ("svg", "pdf", "csv"))
    entry = CATALOGUE[name]
    files = data.sensitivity, data.checks, data.optimisation
    return Picture(
        name, entry, source, links, points=width(svg), caption=caption(name, *files),
        variables=_without_ends(sources(name, *files)),
        alt=f"{entry.title}; the caption says how to read it, {name}.csv has the data.",
    )  # fmt: skip


def _without_ends(variables: Sequence[str]) -> tuple[str, ...]:
    """Variables, without those that are the ends of another's interval."""
    ends = {f"{name}_{end}" for name in variables for end in ("low", "high")}
    return tuple(name for name in variables if name not in ends)


def width(svg: bytes) -> float:
    """Width of an SVG in points."""
    size = re.search(rb'<svg[^>]*\swidth="([\d.]+)pt"', svg)
    return float(size.group(1)) if size else 504.0


def _coarse(figure: Figure) -> bytes:
    """A figure of very many shapes as a PNG, coarser the more there is on it."""
    lay_out(figure)
    for dpi in _FINENESS:
        picture = render(figure, "png", dpi)
        if len(picture) <= _HEAVY_PNG:
            break
    return picture


def _film(name: str, film: Path, beside: Path | None) -> Picture:
    if name not in ANIMATIONS:
        raise JaxmorphError(f"there is no animation {name!r}: choose {' or '.join(ANIMATIONS)}")
    content = _content(film, f"the animation {name}")
    entry = ANIMATIONS[name]
    return Picture(
        name, entry, embedded(content, "video/mp4"),
        () if beside is None else (("MP4", os.path.relpath(film, beside)),),
        entry.title, entry.variables, Caption(entry.title, entry.told(entry.variables), ""),
        poster=embedded(poster(film), "image/png"),
    )  # fmt: skip


def _content(file: Path, what: str) -> bytes:
    if not file.is_file():
        raise JaxmorphError(f"{what} is missing: {file} cannot be read, make it first")
    return read_listed(file)
