"""What the report says of an optimisation follows from its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import synthetic
from support.pages import ASKED, SMALL, STAND_IN, Page
from support.synthetic_optimisation import before_and_after, none_ended, optimisation

from jaxmorph import animations
from jaxmorph.configuration.sections import Animation, Findings
from jaxmorph.figures import CATALOGUE, figure_names
from jaxmorph.integrity import seal
from jaxmorph.jobs.animate import make_films
from jaxmorph.jobs.draw import draw_figures
from jaxmorph.jobs.page import write_page
from jaxmorph.quantities import describe
from jaxmorph.report import methods, write_report
from jaxmorph.report.optimisation import findings, part, tables
from jaxmorph.store.optimisation import optimisation_quantities

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def usual() -> xr.Dataset:
    return optimisation()


def with_improvement(value: float, low: float, high: float) -> xr.Dataset:
    """The best start's improvement is given; its loss on fresh seeds falls from 4 to 3."""
    data = optimisation(n_starts=2, n_optima=1, stopped=())
    best = int(data["optimum_start"][0])
    for name, number in (("", value), ("_low", low), ("_high", high)):
        data[f"improvement{name}"][best] = number
    data["evaluation_loss_before"][best] = 4.0
    data["evaluation_loss_after"][best] = 3.0
    return data


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((1.0, 0.9, 1.1), "an improvement of 1.00 ± 0.10 (25 %)."),
        (
            (0.1, -0.2, 0.4),
            f"but the difference of 0.100 (95 %: {MINUS}0.200 to 0.400) cannot be told from none.",
        ),
        ((-1.0, -1.5, -0.5), "it got worse, by 1.0 ± 0.5."),
    ],
)
def test_what_was_gained_is_told_with_its_certainty(
    interval: tuple[float, float, float], said: str
) -> None:
    text = findings.gained(with_improvement(*interval))
    assert text.startswith("On 64 fresh seeds the best start (")
    _, told = text.split(") took the loss from 4.00 to 3.00")
    assert told.lstrip(":, ") == said


def test_a_single_fresh_seed_claims_no_certainty() -> None:
    text = findings.gained(optimisation(noise=0.0, n_seeds=1))
    assert text.startswith("On one fresh seed") and text.endswith("nothing of how sure that is.")


def test_a_loss_that_may_be_negative_has_no_share() -> None:
    data = with_improvement(1.0, 0.9, 1.1)
    data["evaluation_loss_after"] -= 10
    assert "%" not in findings.gained(data)


def test_agreement_counts_distinct_optima(usual: xr.Dataset) -> None:
    n = [int((usual["optimum_of_start"] == k).sum()) for k in (0, 1)]
    difference = float(usual["optimum_loss"][1] - usual["optimum_loss"][0])
    assert findings.agreement(usual) == (
        f"The starts do not agree: 7 ended in 2 distinct optima, {n[0]} in the best (optimum 0), "
        f"{n[1]} in optimum 1 (loss larger by {difference:.3f})."
    )
    vague = usual.copy(deep=True)
    vague["optimum_loss_se"][:] = difference
    text = findings.agreement(vague)
    assert f"{n[0]} in optimum 0, {n[1]} in optimum 1" in text
    assert text.endswith(" Which of optimum 0 and optimum 1 is best is within the error.")
    assert not any("best optimum" in sentence for sentence in findings.determined(vague))
    one = optimisation(n_optima=1)
    assert findings.agreement(one).startswith("The 7 starts that ended in an optimum agree")
    alone = optimisation(n_starts=1, n_optima=1, stopped=())
    assert "cannot say whether there are others" in findings.agreement(alone)
    assert findings.agreement(none_ended()) == "No start ended in an optimum."


def test_nothing_is_gained_where_no_start_ended() -> None:
    assert findings.gained(none_ended()).startswith("No start reached an end")
    assert part(none_ended()) is not None


def test_starts_that_were_stopped_are_named_with_step_and_reason(usual: xr.Dataset) -> None:
    assert findings.stopped(usual) == ["start 3 at step 37: not finite"]
    many = findings.stopped(optimisation(n_starts=32, stopped=tuple(range(14))))
    assert len(many) == 13 and many[-1] == "2 more, in stop_reason"


def test_how_far_the_starts_went(usual: xr.Dataset) -> None:
    assert findings.ran(usual) == (
        "8 starts optimised epsilon and alpha with adam in at most 200 steps; 1 of them ended earlier, "
        "by a stopping rule."
    )


def test_a_refinement_is_told_and_is_no_step_of_the_optimiser(usual: xr.Dataset) -> None:
    block = json.loads(usual.attrs["configuration"])
    block["optimise"]["refine"] = {"seeds": 512, "steps": 10}
    ended = (usual["stop_reason"] != "not finite").astype(np.int8)
    refined = usual.assign(refined=ended, steps_done=usual["steps_done"] + ended)
    describe(refined, optimisation_quantities(refined.attrs))
    refined.attrs["configuration"] = json.dumps(block)
    before = findings.ran(usual)
    assert findings.ran(refined) == before.replace(
        "at most 200 steps", "at most 200 steps, and then refined them on 512 seeds"
    )
    facts = dict(tables.facts(refined))
    assert facts["refinement"] == "at most 10 Gauss-Newton steps on 512 seeds of their own"
    assert facts["steps"] == "200" and "refinement" not in dict(tables.facts(usual))
    steps = [[row["steps"] for row in tables.starts(data)["rows"]] for data in (usual, refined)]
    assert steps[0] == steps[1]
    titles = [[m.title for m in methods.shown(data)] for data in (usual, refined)]
    assert "Refinement" in titles[1] and "Refinement" not in titles[0]
    assert "The last step is the refinement" in CATALOGUE["optimisation_loss"].told(
        [str(name) for name in refined]
    )
    assert "refinement" not in CATALOGUE["optimisation_loss"].told([str(name) for name in usual])


def test_parameters_are_determined_or_not(usual: xr.Dataset) -> None:
    for i, (value, low, high) in enumerate([(2.0, 1.9, 2.1), (3.0, 1.6, 4.4)]):
        usual = usual.copy(deep=True)
        usual["optimum_parameter_value"][0, i] = value
        usual["parameter_low"][0, i], usual["parameter_high"][0, i] = low, high
    assert findings.determined(usual) == [
        "Determined at the best optimum (95 %): epsilon 2.00 (1.90 to 2.10, ± 5.0 %).",
        "Hardly determined: alpha 3.00 (1.60 to 4.40).",
    ]


def test_an_optimum_at_a_bound_is_said_to_be_there(usual: xr.Dataset) -> None:
    data = usual.copy(deep=True)
    data["optimum_parameter_value"][0] = [1.51, 4.49]
    assert findings.determined(data)[-1] == (
        "The best optimum has epsilon at its lower bound and alpha at its upper bound: what is best may "
        "lie beyond."
    )
    data["lower_bound"][:], data["upper_bound"][:] = -np.inf, np.inf
    assert "bound" not in findings.determined(data)[-1]


def test_directions_are_named_by_what_they_are_made_of(usual: xr.Dataset) -> None:
    assert findings.directions(usual) == (
        "The stiffest direction is 0.92 epsilon + 0.39 alpha, the sloppiest 0.92 alpha "
        f"{MINUS} 0.39 epsilon, along which the loss is 8.0 times less curved."
    )
    flat = findings.directions(optimisation(n_free=3, n_flat=1))
    assert "the sloppiest direction (almost max radius alone) the loss is not curved upwards" in flat
    assert findings.directions(optimisation(n_free=1)) == ""
    told = findings.directions(usual)
    through_choices = usual.assign_attrs(estimator="score")
    assert findings.directions(through_choices).startswith(f"{told} This is rough")
    of_data = through_choices.assign_attrs(covariance_kind="Fisher")  # of first derivatives
    assert findings.directions(of_data) == told


def test_tables_show_the_numbers_of_the_file(usual: xr.Dataset) -> None:
    best = tables.optima(usual)[0]
    value, low, high = (
        float(usual[name][0, 0])
        for name in ("optimum_parameter_value", "parameter_low", "parameter_high")
    )
    assert best["values"][0] == f"{value:.2f} ({low:.2f} to {high:.2f})"
    assert best["best"] == str(int(usual["optimum_start"][0]))
    rows = tables.starts(usual)["rows"]
    assert [row["name"] for row in rows][-1] == "3"
    assert rows[-1]["stopped"] and rows[-1]["after"] == rows[-1]["improvement"] == "not defined"
    assert tables.starts(optimisation(n_starts=64))["more"] == 48


def test_the_objective_and_the_optimiser_are_those_of_the_configuration(usual: xr.Dataset) -> None:
    assert [(row["observable"], row["goal"], row["when"]) for row in tables.terms(usual)] == [
        ("mean distance", "time-course measured.csv", ""),
        ("covered fraction", "minimise", "end"),
    ]
    facts = dict(tables.facts(usual))
    assert facts["optimiser"] == "adam, learning rate 0.01"
    assert facts["seeds per step"] == "8, fresh ones at every step"
    flat = json.loads(usual.attrs["configuration"])["optimise"]
    beside = usual.assign_attrs(configuration=json.dumps({"study": "trap.py:Trap", **flat}))
    assert dict(tables.facts(beside)) == facts
    bare = usual.assign_attrs(configuration="{}")
    assert tables.terms(bare) == []
    assert "optimiser" not in dict(tables.facts(bare))


@pytest.mark.parametrize(
    ("name", "kind", "titles"),
    [
        ("adam", "Fisher", ["Adam", "F"]),
        ("lbfgs", "Hessian with noise (sandwich)", ["L-BFGS", "H"]),
        ("sgd", "Fisher", ["Optimiser: sgd", "F"]),
    ],
)
def test_methods_are_those_that_were_used(
    usual: xr.Dataset, name: str, kind: str, titles: list[str]
) -> None:
    attributes = {"optimiser": json.dumps({"name": name}), "covariance_kind": kind}
    found = methods.shown(describe(usual.copy(), optimisation_quantities(attributes)))
    assert titles[0] in [method.title for method in found]
    (covariance,) = [m for m in found if m.title == "Uncertainty of the parameters"]
    assert covariance.formula.startswith(f"Cov = <i>{titles[1]}</i>")
    assert all(method.reference for method in found)


def build(folder: Path, found: xr.Dataset | None, films: dict[str, Path]) -> str:
    """A page with empty figures."""
    (folder / "figures").mkdir(exist_ok=True)
    for name in figure_names("sobol", 2, False, found is not None):
        (folder / "figures" / f"{name}.svg").write_text(STAND_IN)
    sensitivity = synthetic.sensitivity(**SMALL)
    write_report(folder / "r.html", "notebook", sensitivity, folder / "figures", films, None, found)
    return (folder / "r.html").read_text()


def test_the_page_has_the_part_its_figures_its_film_and_its_sources(
    tmp_path: Path, usual: xr.Dataset
) -> None:
    film = tmp_path / "animations" / "optimisation.mp4"
    animations.before_and_after_animation(before_and_after(), film)
    html = build(tmp_path, usual, {"optimisation": film})
    page = Page(html)
    text = " ".join(page.text.replace("\xa0", " ").split())
    for sentence in [findings.gained(usual), *findings.paragraph(usual), *findings.stopped(usual)]:
        assert sentence in text
    held = {str(name) for name in usual.variables}
    for name, entry in CATALOGUE.items():
        if entry.part == "optimisation":
            assert entry.told(held) in text
            assert f"figures/{name}.csv" in [attrs.get("href") for attrs in page.having("a")]
    assert text.index("Before and after") < text.rindex("Each observable")
    assert "<h2>Animations</h2>" not in html, "the only film is in its part"
    identifiers = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    assert {"optimise", "optimisation", "stopped-starts"} <= set(identifiers)
    for word in ("nan", "None", "inf"):
        assert f" {word} " not in text
    for variable in ("optimum_loss", "stop_reason", "improvement_low"):
        assert variable in usual and f"<code>{variable}</code>" in html


def test_a_run_without_optimisation_has_none_of_it(tmp_path: Path) -> None:
    html = build(tmp_path, None, {})
    assert "ptimis" not in html.partition("</style>")[2]
    assert part(None) is None


def test_the_jobs_draw_and_write_from_files(tmp_path: Path, usual: xr.Dataset) -> None:
    written: dict[str, Any] = {}
    for kind, data in (("optimisation", usual), ("optimisation_cells", before_and_after())):
        written[kind] = tmp_path / f"{kind}.nc"
        data.assign_attrs(jaxmorph_file=kind).to_netcdf(written[kind])
        seal(written[kind])
    sensitivity = tmp_path / "sensitivity.nc"
    synthetic.sensitivity(**SMALL).assign_attrs(jaxmorph_file="sensitivity").to_netcdf(sensitivity)
    seal(sensitivity)
    drawn = tmp_path / "drawn"
    files = str(sensitivity), None, str(written["optimisation"])
    draw_figures(["optimisation_loss"], *files, Findings(), drawn)
    assert (drawn / "optimisation_loss.svg").is_file()
    corners = tmp_path / "corners.nc"
    synthetic.corners(n_corners=2).assign_attrs(jaxmorph_file="corners").to_netcdf(corners)
    seal(corners)
    make_films(Animation(), [], str(corners), str(written["optimisation_cells"]), tmp_path)
    film = tmp_path / "optimisation.mp4"
    html = build(tmp_path, usual, {"optimisation": film})
    out = tmp_path / "report.html"
    write_page(
        "notebook",
        ASKED,
        str(sensitivity),
        None,
        str(written["optimisation"]),
        [str(film)],
        str(out),
    )
    assert findings.gained(usual).split(":")[0] in out.read_text() and len(out.read_text()) > 0.9 * len(
        html
    )
