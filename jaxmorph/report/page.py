"""Put the report of a run together as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from jaxmorph.animations import poster
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import draw
from jaxmorph.figures.catalogue import ANIMATIONS, CATALOGUE, Entry, figure_names
from jaxmorph.figures.save import render, write_whole
from jaxmorph.figures.style import words
from jaxmorph.report import facts, summary

_HEAVY_SVG = 400_000


@dataclass(frozen=True)
class Picture:
    """A figure or a film as the page shows it."""

    name: str
    entry: Entry
    source: str
    links: tuple[tuple[str, str], ...]
    alt: str
    points: float = 0.0
    poster: str = ""


def write_report(
    path: str | os.PathLike[str],
    run: str,
    sensitivity: xr.Dataset,
    figures: str | os.PathLike[str],
    animations: Mapping[str, str | os.PathLike[str]] | None = None,
    checks: xr.Dataset | None = None,
) -> None:
    """Write the page.

    Args:
        path: the HTML file to write; whole or absent.
        run: name of the run.
        sensitivity: its ``sensitivity.nc``.
        figures: the folder that holds each figure as ``.svg``, ``.pdf`` and ``.csv``.
        animations: films by name (``cells``, ``corners``).
        checks: its ``checks.nc``, if it was made.

    Raises:
        JaxmorphError: a figure or film that the page shows is missing.
    """
    path, folder = Path(path), Path(figures)
    pictures = [
        _figure(name, folder, path.parent, sensitivity, checks)
        for name in figure_names(
            str(sensitivity.attrs.get("design_method", "")),
            sensitivity.sizes["parameter"],
            checks is not None,
        )
    ]
    films = [_film(name, Path(film), path.parent) for name, film in (animations or {}).items()]
    found = summary.rankings(sensitivity)
    context = {
        "run": run,
        "attrs": sensitivity.attrs,
        "study": sensitivity.attrs.get("study_name") or sensitivity.attrs.get("study", ""),
        "rankings": found,
        "leading": summary.leading(found, sensitivity.sizes.get("seed", 1)),
        "negative": summary.negative(sensitivity),
        "sign_changes": summary.sign_changes(sensitivity),
        "has_intervals": "elasticity_average_low" in sensitivity,
        "single_seed": summary.single_seed(sensitivity),
        "worst_check": summary.worst_check(checks),
        "health": summary.health(sensitivity),
        "facts": facts.run_facts(sensitivity),
        "parameters": facts.parameter_rows(sensitivity),
        "observables": facts.observable_rows(sensitivity),
        "configuration": facts.configuration(sensitivity),
        "pictures": pictures,
        "films": films,
        "example": example(run, sensitivity),
    }
    write_whole(path, _rendered(context).encode())


def example(run: str, sensitivity: xr.Dataset) -> str:
    """Five lines of xarray that read the data behind the page."""
    observable = str(sensitivity["observable"].values[0])
    parameter = str(sensitivity["parameter"].values[0])
    return "\n".join(
        [
            "import xarray as xr",
            f'data = xr.open_dataset("results/{run}/sensitivity.nc")',
            'print(data["elasticity_average"].isel(time=-1).to_pandas())  # observable x parameter',
            f'one = data.sel(observable="{observable}", parameter="{parameter}")',
            'print(one[["gradient_average", "elasticity_average"]].to_dataframe())  # over time',
        ]
    )


def _rendered(context: dict[str, Any]) -> str:
    environment = Environment(
        loader=PackageLoader("jaxmorph.report", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = words
    return environment.get_template("page.html").render(context)


def _embedded(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _figure(
    name: str,
    folder: Path,
    page: Path,
    sensitivity: xr.Dataset,
    checks: xr.Dataset | None,
) -> Picture:
    svg = _content(folder / f"{name}.svg", f"the figure {name}")
    size = re.search(rb'<svg[^>]*\swidth="([\d.]+)pt"', svg)
    width = float(size.group(1)) if size else 504.0
    if len(svg) <= _HEAVY_SVG:
        source = _embedded(svg, "image/svg+xml")
    else:
        source = _embedded(render(draw(name, sensitivity, checks)[0], "png"), "image/png")
    here = os.path.relpath(folder, page)
    links = tuple((kind.upper(), f"{here}/{name}.{kind}") for kind in ("svg", "pdf", "csv"))
    return Picture(
        name, CATALOGUE[name], source, links, points=width,
        alt=f"{CATALOGUE[name].title}; the caption says how to read it, {name}.csv has the data.",
    )  # fmt: skip


def _film(name: str, film: Path, page: Path) -> Picture:
    if name not in ANIMATIONS:
        raise JaxmorphError(f"there is no animation {name!r}: choose {' or '.join(ANIMATIONS)}")
    content = _content(film, f"the animation {name}")
    return Picture(
        name, ANIMATIONS[name], _embedded(content, "video/mp4"),
        (("MP4", os.path.relpath(film, page)),), ANIMATIONS[name].title,
        poster=_embedded(poster(film), "image/png"),
    )  # fmt: skip


def _content(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise JaxmorphError(f"{what} is missing: {file} cannot be read, make it first") from error
