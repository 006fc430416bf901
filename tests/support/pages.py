"""Pages of reports, made from synthetic data, and what stands on them."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import xarray as xr

from jaxmorph import animations
from jaxmorph.configuration import Run
from jaxmorph.figures import draw, figure_names, save_figure
from jaxmorph.integrity import LIST, list_files
from jaxmorph.report import write_report

from . import synthetic

SMALL: dict[str, Any] = {"n_parameters": 2, "n_observables": 2, "n_times": 5}


ASKED = Run.model_validate(
    {"study": "reference", "parameters": {"epsilon": "default"}, "design": {"method": "sobol"}}
)
STAND_IN = '<svg xmlns="http://www.w3.org/2000/svg" width="504pt" height="9pt" viewBox="0 0 9 9"></svg>'


def build(
    folder: Path,
    sensitivity: xr.Dataset,
    checks: xr.Dataset | None,
    films: bool = False,
    drawn: bool = False,
) -> Path:
    """Films and page of a run, from datasets; its figures are drawn, or empty ones stand for them."""
    method, n = sensitivity.attrs.get("design_method", ""), sensitivity.sizes["parameter"]
    (folder / "figures").mkdir(exist_ok=True)
    for name in figure_names(method, n, checks is not None):
        if drawn:
            save_figure(*draw(name, sensitivity, checks), folder / "figures" / name)
        for ending in () if drawn else ("svg", "pdf", "csv"):
            (folder / "figures" / f"{name}.{ending}").write_text(STAND_IN)
    if (folder / "figures" / LIST).is_file():  # those that were drawn before have others in their place
        list_files(folder / "figures", (folder / "figures").glob("*.*g"))
        list_files(folder / "figures", (folder / "figures").glob("*.csv"))
    made = {}
    if films:
        made = {name: folder / "animations" / f"{name}.mp4" for name in ("cells", "corners")}
        animations.cells_animation(synthetic.batch(), made["cells"])
        animations.corners_animation(synthetic.corners(), made["corners"])
    path = folder / "report.html"
    write_report(path, "notebook", sensitivity, folder / "figures", made, checks)
    return path


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["style"], ["script"]):
            self.text += data

    def having(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def said(folder: Path, sensitivity: xr.Dataset, checks: xr.Dataset | None = None) -> str:
    """The text of the page, with single spaces."""
    return " ".join(Page(build(folder, sensitivity, checks).read_text()).text.split())
