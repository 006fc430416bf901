"""Figures as a journal takes them: width, type and names are as asked for, and nothing overlaps."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes._base import _AxesBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from support import synthetic, synthetic_optimisation

from jaxmorph import store
from jaxmorph.analysis.result import Plots
from jaxmorph.configuration import load_configuration
from jaxmorph.configuration.look import DisplayName, Figures
from jaxmorph.configuration.sections import Findings
from jaxmorph.configuration.specify import Specifications
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import draw, figure_names, save_figure, style
from jaxmorph.figures.save import render
from jaxmorph.jobs.draw import draw_figures

WIDTHS = (89.0, 183.0)
LEAST = 5.0
DESIGN_OF = {
    name: design
    for design in ("grid", "morris", "saltelli", "sobol")
    for name in figure_names(design, 2, optimise=True)
}
SYMBOLS = {"alpha": DisplayName(name="stickiness", symbol=r"\alpha _s", unit="µm h⁻¹")}


@pytest.fixture(scope="module")
def given() -> dict[str, tuple[xr.Dataset, ...]]:
    """The files of a run of each design, with two parameters and three observables."""
    shape: dict[str, Any] = {"n_parameters": 2, "n_observables": 3}
    others = synthetic.checks(**shape), synthetic_optimisation.optimisation()
    return {
        design: (synthetic.sensitivity(**shape, design=design, side=4), *others)
        for design in set(DESIGN_OF.values())
    }


@pytest.mark.parametrize(("name", "width"), [*itertools.product(DESIGN_OF, WIDTHS)])
def test_a_figure_has_the_width_and_the_type_that_a_journal_wants(
    name: str, width: float, given: dict[str, tuple[xr.Dataset, ...]]
) -> None:
    look = Figures(width=width, panel_letters=True, font_size=6, names=SYMBOLS)
    figure, _ = draw(name, *given[DESIGN_OF[name]], look=look)
    assert figure.get_figwidth() * style.INCH == pytest.approx(width)
    with style.style():
        figure.draw_without_rendering()
    found = texts(figure)
    assert found
    for text in found:
        box = text.get_window_extent()
        inside = figure.bbox.padded(1.5)
        assert inside.contains(box.x0, box.y0) and inside.contains(box.x1, box.y1), text
        assert float(text.get_fontsize()) >= LEAST, text
    for ax in figure.axes:
        for labels in (tick_labels(ax, ax.xaxis), tick_labels(ax, ax.yaxis)):
            boxes = [t.get_window_extent() for t in labels if t.get_text().strip()]
            for one, other in itertools.pairwise(boxes):
                assert not one.overlaps(other.padded(-0.5)), [t.get_text() for t in labels]


def texts(figure: Figure) -> list[Text]:
    """All text that is seen, also that of axes inside of others and of parts of the figure."""
    axes: list[Any] = figure.findobj(_AxesBase)
    labels = [
        label
        for ax in axes
        for axis in (ax.xaxis, ax.yaxis)
        for tick in (*axis.majorTicks, *axis.minorTicks)
        for label in (tick.label1, tick.label2)
    ]
    others = [text for text in figure.findobj(Text) if text not in labels]
    inside = [t for ax in axes for axis in (ax.xaxis, ax.yaxis) for t in tick_labels(ax, axis)]
    found: list[Any] = [*others, *inside]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def tick_labels(ax: Any, axis: Any) -> list[Text]:
    """Those inside of the view, of an axis that is drawn."""
    box, k = ax.get_window_extent().padded(0.5), 0 if axis is ax.xaxis else 1
    low, high = ((box.x0, box.x1), (box.y0, box.y1))[k]

    def place(label: Text) -> float:
        return float(label.get_transform().transform(label.get_position())[k])

    return [
        t for t in axis.get_ticklabels() if ax.axison and low <= place(t) <= high and t.get_visible()
    ]


def test_text_is_text_and_the_type_is_in_the_file(
    given: dict[str, tuple[xr.Dataset, ...]], tmp_path: Path
) -> None:
    figure, table = draw("tornado", *given["sobol"], look=Figures(width=89, names=SYMBOLS))
    svg = render(figure, "svg").decode()
    assert 'width="252.2' in svg, "89 mm in points"
    assert re.search(r">mean distance</text>", svg)
    assert "font-size: 7px; font-family: Arial, Helvetica, 'DejaVu Sans', sans-serif" in svg
    assert '<path id="DejaVu' not in svg, "no letter is a drawing"
    pdf = render(figure, "pdf")
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf
    written = save_figure(figure, table, tmp_path / "tornado")
    assert [path.suffix for path in written] == [".svg", ".pdf", ".csv"]


def test_names_symbols_and_units_are_those_of_the_configuration(
    given: dict[str, tuple[xr.Dataset, ...]],
) -> None:
    look = Figures(names=SYMBOLS | {"mean_distance": DisplayName(name="how far")})
    figure, _ = draw("tornado", *given["sobol"], look=look)
    assert figure.axes[0].get_title() == "how far"
    assert r"$\alpha _s$" in [label.get_text() for label in figure.axes[0].get_yticklabels()]
    figure, _ = draw("gradient_field", *given["grid"], look=look)
    assert r"stickiness $\alpha _s$ (µm h⁻¹)" in [ax.get_ylabel() for ax in figure.axes]
    figure, _ = draw("tornado", *given["sobol"])
    assert "alpha" in [label.get_text() for label in figure.axes[0].get_yticklabels()], "as before"


def test_what_is_shown_is_what_was_chosen_and_colours_stay(
    given: dict[str, tuple[xr.Dataset, ...]],
) -> None:
    whole = given["sobol"][0]
    names = [str(name) for name in whole["observable"].values]
    first, last = (float(whole["time"][i]) for i in (1, 3))
    look = Figures(parameters=("alpha",), observables=(names[2], names[0]), times=(first, last))
    figure, table = draw("time_course", *given["sobol"], look=look)
    assert [ax.get_title() for ax in figure.axes] == [n.replace("_", " ") for n in (names[2], names[0])]
    assert set(table["parameter"]) == {"alpha"} and set(table["time"]) == set(whole["time"].values[1:4])
    (line,) = [line for line in figure.axes[0].lines if line.get_color() != style.GREY]
    assert line.get_color() == style.PALETTE[1], "it is the second of the run"
    _, table = draw("tornado", *given["sobol"], look=look)
    np.testing.assert_array_equal(table["time"].unique(), last)
    with pytest.raises(JaxmorphError, match=r"figures\.times = \[7, 8\]: nothing is recorded then"):
        draw("tornado", *given["sobol"], look=Figures(times=(7, 8)))


@pytest.mark.parametrize("design", sorted(set(DESIGN_OF.values())))
def test_every_figure_draws_a_part_of_the_run(
    design: str, given: dict[str, tuple[xr.Dataset, ...]]
) -> None:
    whole = given[design][0]
    name, times = str(whole["observable"].values[1]), tuple(whole["time"].values[[0, 2]].tolist())
    look = Figures(parameters=("alpha",), observables=(name,), times=times)
    for figure in figure_names(design, 2, optimise=True):
        _, table = draw(figure, *given[design], look=look)
        if "observable" in table and not figure.startswith("optimisation"):
            assert set(table["observable"].dropna()) == {name}, figure


RUN: dict[str, Any] = {
    "study": "reference",
    "parameters": {"kT": "default", "epsilon": "default"},
    "observables": ["mean_distance"],
    "design": {"method": "sobol", "samples": 8},
}


def configured(**figures: Any) -> Any:
    return load_configuration({"runs": {"a": RUN | {"figures": figures}}}).runs["a"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"width": 20}, "runs.a.figures.width = 20: must be at least 60"),
        ({"font_size": 3}, "runs.a.figures.font_size = 3: must be at least 5"),
        ({"widht": 89}, "runs.a.figures.widht: unknown key; did you mean width?"),
        ({"formats": ["jpg"]}, "runs.a.figures.formats[0] = jpg: must be svg, pdf, png or tiff"),
        ({"times": [2, 1]}, "runs.a.figures.times = [2, 1]: the first time is after the last"),
        ({"parameters": ["kt"]}, "parameters names kt, which the run does not have; did you mean kT?"),
        (
            {"observables": ["x"]},
            "observables names x, which the run does not have; known: mean_distance",
        ),
        ({"names": {"kt": {}}}, "names has kt, which is no parameter or observable of the run; did you"),
        ({"names": {"kT": {"symbol": "k_"}}}, "figures.names.kT.symbol = k_: Matplotlib cannot set it"),
        ({"names": {"kT": {"unit": "$a$"}}}, "write mathematics as its symbol"),
        ({"names": {"kT": {"label": "a"}}}, "unknown key of a name; write name"),
        ({"names": {"kT": {"hue": "a"}}}, "unknown key of a name; known: name, symbol, unit"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(JaxmorphError) as error:
        configured(**wrong)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_the_look_of_figures_decides_nothing_else() -> None:
    plain, other = (Specifications(configured(**how)) for how in ({}, {"width": 89, "times": [0, 1]}))
    for job in ("study", "corners", "checks", "estimates", "design"):
        assert getattr(plain, job).plain() == getattr(other, job).plain()
    assert (
        plain.plain_batch("000-000") == other.plain_batch("000-000") if plain.run.batch != "auto" else 1
    )


def test_a_job_writes_the_formats_that_were_asked_for(tmp_path: Path) -> None:
    data = synthetic.sensitivity(n_parameters=2, n_observables=1)
    store.write_dataset(data, tmp_path / "sensitivity.nc", "sensitivity")
    look = Figures(width=60, formats=("png", "tiff"))
    draw_figures(["noise"], str(tmp_path / "sensitivity.nc"), None, None, Findings(), tmp_path, look)
    assert {path.suffix for path in tmp_path.glob("noise.*")} == {
        ".svg",
        ".pdf",
        ".csv",
        ".png",
        ".tiff",
    }
    assert set(look.endings) == {"svg", "pdf", "csv", "png", "tiff"}


def test_arguments_of_a_plot_are_keys_of_the_configuration(
    given: dict[str, tuple[xr.Dataset, ...]],
) -> None:
    run = SimpleNamespace(
        design=SimpleNamespace(method="sobol"),
        parameters=["epsilon", "alpha"],
        figures=Figures(width=120),
    )
    of: Any = SimpleNamespace(dataset=given["sobol"][0], checks=None, optimisation=None, run=run)
    plots = Plots(of)
    assert plots.tornado().get_figwidth() * style.INCH == pytest.approx(120)
    assert plots.tornado(width=89).get_figwidth() * style.INCH == pytest.approx(89)
    with pytest.raises(JaxmorphError, match=r"^width = 1: must be at least 60$"):
        plots.tornado(width=1)
    with pytest.raises(JaxmorphError, match="names has beta, which is no parameter or observable"):
        plots.tornado(names={"beta": {"symbol": "b"}})


def test_distributions_go_with_the_parameters_that_are_shown() -> None:
    data = synthetic.sensitivity(n_parameters=4, n_observables=1)
    name = next(name for name, log in style.logarithmic(data).items() if log)
    from jaxmorph.figures.chosen import chosen

    some = chosen(data, Figures(parameters=(name,)))
    assert style.logarithmic(some) == {name: True}
    assert len(json.loads(some.attrs["distributions"])) == 1
