"""Pages that carry files, as a report does, made in a moment; right ones, and any other."""

import json
from pathlib import Path
from typing import Any

import xarray as xr

from jaxmorph.report import reproduce
from jaxmorph.report.attached import LINK, MARK

from . import SUPPORT
from .workflow import tiny

VERSIONS = {"python": "3.11.7", "platform": "linux", "numpy": "2.4.6", "pandas": "0.0.1"}


def attached(**more: Any) -> dict[str, reproduce.Attachment]:
    """What a report carries of a run whose study is a file, and which reads a file; by name."""
    settings = tiny()["own"] | {"data": ["force.csv"]}
    plain = {
        "configuration": settings,
        "library_versions": VERSIONS,
        "study_data": {"force.csv": "1,2\n"},
    }
    attributes = {name: json.dumps(value) for name, value in (plain | more).items()}
    attributes["study_source"] = (SUPPORT / "trap.py").read_text()
    return {one.name: one for one in reproduce.attachments("own", xr.Dataset(attrs=attributes))}


def link(name: str, text: str) -> str:
    """A link as the page writes it."""
    one = reproduce.Attachment(name, text, "")
    return f'<a class="get" download="{name}" {MARK}="{one.digest}" href="{one.link}">download</a>'


def page_of(texts: dict[str, str]) -> str:
    """A page that carries texts."""
    links = [link(name, text) for name, text in texts.items()]
    return f"<!doctype html><title>A run</title><h1>Reproduce</h1>{''.join(links)}"


def right() -> dict[str, str]:
    """The texts of a page that is as it should be."""
    return {name: one.text for name, one in attached().items()}


def write_page(folder: Path, texts: dict[str, str]) -> Path:
    page = folder / "report.html"
    page.write_text(page_of(texts))
    return page


__all__ = ["LINK", "VERSIONS", "attached", "link", "page_of", "right", "write_page"]
