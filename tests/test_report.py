"""The report's page: what it says follows from the numbers, and it needs nothing but itself."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure
from support import ROOT, synthetic
from support.pages import ASKED, SMALL, STAND_IN, Page, build, said

from jaxmorph import store
from jaxmorph.configuration import bias_attributes
from jaxmorph.configuration.sections import Findings
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import bias as bias_shown
from jaxmorph.figures import draw, figure_names, sources
from jaxmorph.figures.catalogue import ANIMATIONS, CATALOGUE
from jaxmorph.figures.stated import when
from jaxmorph.integrity import seal
from jaxmorph.jobs.draw import captions, draw_figures
from jaxmorph.jobs.page import write_page
from jaxmorph.quantities import absent
from jaxmorph.report import checked, facts, page, summary, write_report
from jaxmorph.store.one_answer import ONE_ANSWER

# A grid has no expansion; this run has no groups, and nothing is known of its records.
NOT_THERE = {"interactions", "noise_explained", "groups", "measurements"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    sensitivity = synthetic.sensitivity(**SMALL, design="grid", side=4)
    build(folder, sensitivity, synthetic.checks(**SMALL), films=True)
    return folder


@pytest.fixture(scope="module")
def parsed(run: Path) -> Page:
    return Page((run / "report.html").read_text())


def test_page_asks_for_nothing_outside(run: Path) -> None:
    html = (run / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#|figures/|animations/)', html)
    assert not re.findall(r"url\((?!#)", html)
    assert "@import" not in html
    assert len(re.findall("<script", html)) == 2, "the numbers and the code of the interactive part"


def test_every_link_leads_somewhere(run: Path, parsed: Page) -> None:
    targets = [attrs["href"] for attrs in parsed.having("a")]
    identifiers = {attrs["id"] for _, attrs in parsed.tags if "id" in attrs}
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in identifiers
        elif target.startswith("data:"):
            assert base64.b64decode(target.partition("base64,")[2])
        else:
            assert (run / target).is_file(), target
    shown = set(figure_names("grid", 2)) - NOT_THERE
    assert {f"figures/{name}.csv" for name in shown} <= set(targets)


def test_every_figure_has_alternative_text_caption_and_variables(parsed: Page) -> None:
    pictures = parsed.having("img")
    drawn = [name for name in figure_names("grid", 2) if name not in NOT_THERE]
    shown = {name: CATALOGUE[name] for name in drawn}
    films = [ANIMATIONS[name] for name in ("cells", "corners")]
    assert len(pictures) == len(shown) + len(films), "films have a frame for print"
    assert all(len(attrs["alt"]) > 20 for attrs in pictures)
    data = synthetic.sensitivity(**SMALL, design="grid", side=4)
    held = {str(v) for v in data.variables}
    for entry in [*shown.values(), *films]:
        assert entry.told(held, when(data)) in parsed.text
    named = [v for name in shown for v in sources(name, data)] + [v for f in films for v in f.variables]
    assert all(v in parsed.text for v in named if v in held)


def test_films_have_controls_and_a_first_picture(parsed: Page) -> None:
    films = parsed.having("video")
    assert len(films) == 2
    for attrs in films:
        assert {"controls", "loop", "muted", "playsinline"} <= set(attrs)
        assert attrs["poster"].startswith("data:image/png;base64,")
        assert attrs["src"].startswith("data:video/mp4;base64,")


def test_page_never_shows_a_bare_nan(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(**SMALL).drop_vars(["parameter_unit", "parameter_default"])
    sensitivity["elasticity_average"][-1, 0, 1] = np.nan
    sensitivity["gradient_exploding"][0, 0] = True
    sensitivity["gradient_growth_rate"][0, 0] = np.nan
    sensitivity.attrs = {"design_method": "sobol"}
    text = Page(build(tmp_path, sensitivity, None).read_text()).text
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text)
    assert "mean distance with respect to alpha" in text


def test_the_same_page_when_made_again(run: Path) -> None:
    first = (run / "report.html").read_bytes()
    sensitivity = synthetic.sensitivity(**SMALL, design="grid", side=4)
    made = {name: run / "animations" / f"{name}.mp4" for name in ("cells", "corners")}
    checks = synthetic.checks(**SMALL)
    write_report(run / "report.html", "notebook", sensitivity, run / "figures", made, checks)
    assert (run / "report.html").read_bytes() == first


def test_text_from_a_study_cannot_break_the_page(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    sensitivity.attrs["study_description"] = "a < b <script>alert(1)</script> & c"
    html = build(tmp_path, sensitivity, None).read_text()
    assert "<script>alert" not in html
    assert "a &lt; b &lt;script&gt;" in html


def test_a_heavy_figure_is_embedded_as_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_HEAVY_SVG", 1000)
    sensitivity = synthetic.sensitivity(**SMALL)
    monkeypatch.setattr(page, "draw", lambda *_: (Figure((1, 1)), None))
    (tmp_path / "figures").mkdir()
    path = tmp_path / "figures" / "tornado.svg"
    path.write_text(STAND_IN + 2000 * " ")
    picture = page._figure("tornado", path.parent, tmp_path, page.Data(sensitivity))
    assert picture.source.startswith("data:image/png;base64,")
    path.write_text(STAND_IN)
    picture = page._figure("tornado", path.parent, tmp_path, page.Data(sensitivity))
    assert picture.source.startswith("data:image/svg+xml,")
    assert unquote(picture.source.partition(",")[2]) == STAND_IN.replace('"', "'")


def test_a_missing_figure_is_named(tmp_path: Path) -> None:
    with pytest.raises(JaxmorphError, match=r"the figure (\w+) is missing: .*/\1\.svg"):
        write_report(tmp_path / "r.html", "run", synthetic.sensitivity(**SMALL), tmp_path)
    assert not (tmp_path / "r.html").exists()


def test_the_lines_about_reading_the_data_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    (tmp_path / "results" / "notebook").mkdir(parents=True)
    sensitivity.to_netcdf(tmp_path / "results" / "notebook" / "sensitivity.nc")
    monkeypatch.chdir(tmp_path)
    lines = page.example("results/notebook/sensitivity.nc", sensitivity)
    assert len(lines.splitlines()) == 5
    exec(compile(lines, "example", "exec"), {})
    assert "epsilon" in capsys.readouterr().out


def _told(values: list[tuple[float, float, float]]) -> xr.Dataset:
    """A dataset of one observable whose elasticities and intervals are given."""
    estimate, low, high = np.array(values).T
    dims = ("time", "observable", "parameter")
    names = ["a_one", "b_two", "c_three", "d_four"][: len(values)]
    return synthetic.declared(
        xr.Dataset(
            {
                "elasticity_average": (dims, estimate[None, None]),
                "elasticity_average_low": (dims, low[None, None]),
                "elasticity_average_high": (dims, high[None, None]),
            },
            {"parameter": names, "observable": ["distance"], "time": [1.0]},
        )
    )


def test_summary_ranks_and_doubts_by_the_interval() -> None:
    data = _told([(0.1, 0.05, 0.15), (-0.5, -0.6, -0.4), (0.3, -0.1, 0.7), (0.0, 0.0, 0.0)])
    (ranking,) = summary.rankings(data)
    assert [(e.parameter, e.text, e.sign) for e in ranking.effects] == [
        ("b two", "\N{MINUS SIGN}0.50 ± 0.10", -1),
        ("a one", "0.10 ± 0.05", 1),
    ]
    assert ranking.unsure == ["c three"]
    assert ranking.zero == ["d four"]
    data = data.expand_dims(seed=2)
    assert summary.leading_sentence([ranking], data) == (
        "Which of b two and c three matters most for distance is open."
    ), "c three may be larger"


def test_summary_says_which_observables_are_negative(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(n_parameters=1, n_observables=4, n_times=2)
    assert summary.negative(sensitivity) == ["total energy"]
    text = said(tmp_path, sensitivity)
    assert "become more negative as they grow in size: total energy." in text


def test_summary_warns_of_values_that_change_sign(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    assert summary.sign_changes(sensitivity) == []
    sensitivity["parameter_value"][:, 1] -= float(sensitivity["parameter_value"][:, 1].mean())
    assert summary.sign_changes(sensitivity) == ["alpha"]
    text = Page(build(tmp_path, sensitivity, None).read_text()).text
    assert "Over the design alpha changes sign." in text


def test_summary_of_nothing_clear() -> None:
    found = summary.rankings(_told([(0.1, -0.05, 0.15), (np.nan, np.nan, np.nan)]))
    assert found[0].undefined == ["b two"]
    told = "No parameter has an effect that can be told from zero."
    one = _told([(0.1, -0.05, 0.15)]).expand_dims(seed=1)
    assert summary.leading_sentence(found, one).startswith("One seed has no uncertainty")
    assert summary.leading_sentence(found, one.assign_attrs(stochastic=0)) == told
    assert summary.leading_sentence(found, _told([(0.1, -0.05, 0.15)]).expand_dims(seed=2)) == told


def test_summary_counts_wrong_seeds_only_where_the_mean_is_clear() -> None:
    sensitivity = synthetic.sensitivity(n_parameters=2, n_observables=1, n_seeds=8)
    sensitivity["central_gradient"][:, -1, 0, 0] = [5, 6, 5, 6, 5, 6, -1, -1]
    sensitivity["central_gradient"][:, -1, 0, 1] = [1, -1, 1, -1, 1, -1, 1, -1.1]
    text = summary.single_seed(sensitivity)
    assert text is not None
    assert "2 of 8 seeds give the gradient of mean distance with respect to epsilon" in text


def test_summary_names_the_worst_check() -> None:
    checks = synthetic.checks(**SMALL)
    checks["relative_difference"][1, 0, 2, 1, 0] = 3.14e-4
    text = checked.worst_difference(checks)
    assert text is not None
    assert "to 3.1 × 10⁻⁴ of" in text
    assert "worst: radius of gyration with respect to epsilon" in text
    assert "in 6 simulations" in text


def test_a_zero_gradient_gives_no_scale_to_compare_on() -> None:
    checks = synthetic.checks(**SMALL)
    for variable, value in (("gradient", 0.0), ("relative_difference", 1e290)):
        checks[variable][..., 0, 1] = value
    text = checked.worst_difference(checks)
    assert text is not None
    assert "10²" not in text
    figure, table = draw("numerical_checks", synthetic.sensitivity(**SMALL), checks)
    assert "6 of 24 not comparable" in figure.axes[1].get_title()
    assert table["largest_relative_difference"].max() < 1e-3


def test_warnings_name_what_was_left_out_and_what_explodes(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    sensitivity = sensitivity.drop_vars(["excluded_sample", "excluded_seed"]).assign(
        excluded_sample=("excluded", np.arange(60)), excluded_seed=("excluded", np.full(60, 3))
    )
    sensitivity["non_finite_count"][:] = [70, 50]
    sensitivity["gradient_exploding"][1, 0] = True
    sensitivity["gradient_growth_rate"][1, 0] = 47.26
    found = summary.health(sensitivity)
    assert not found.good
    assert found.non_finite == 120
    assert found.exploding == [("radius of gyration", "epsilon", "47.3")]
    text = Page(build(tmp_path, sensitivity, None).read_text()).text
    assert "sample 39, seed 3" in text
    assert "sample 40, seed 3" not in text
    assert "20 more" in text
    assert summary.health(synthetic.sensitivity(**SMALL)).good


def test_the_page_reads_from_the_answer_down(run: Path) -> None:
    html = (run / "report.html").read_text()
    asked = html.index('<h2 class="asked">')
    assert asked < html.index('class="answer-map"') < html.index("With care") < html.index("<h2>")
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert headings == [
        CATALOGUE["values_over_time"].title,
        "Findings",
        "Look closer",
        "Each observable",
        "Films",
        "More figures",
        "How sure, and what more would take",
        "Checks",
        "Methods",
        "What was run",
        "Reproduce this run",
        "Words",
    ]


def test_doubts_about_gradients_stand_next_to_their_numbers(tmp_path: Path) -> None:
    sensitivity = synthetic.exploding(n_parameters=3, n_observables=1, n_times=5, n_samples=16)
    sensitivity["gradient_unreliable"][0, 2] = False
    html = build(tmp_path, sensitivity, None).read_text()
    text = " ".join(Page(html).text.split())
    assert "× Not to be trusted: the gradients with respect to epsilon, alpha." in text
    for remedy in ("shorter horizon", "discount", "trimmed mean", "estimator: smoothed", "score"):
        assert remedy in text
    table = re.search(r'<table class="estimates">.*?</table>', html, re.S)
    assert table is not None
    assert "gradient, trimmed mean" in table[0]
    columns = ("elasticity", "upper bound", "activity score", "gradient", "trimmed mean of it")
    assert table[0].count('class="flag"') == 2 * len(columns)
    assert "Exploding gradients" in text
    assert "Heavy-tailed gradients" in text


@pytest.mark.parametrize("name", ["smoothed", "score", "straight-through", "pathwise"])
def test_another_estimator_of_the_gradients_is_said_on_top(name: str, tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(n_parameters=1, n_observables=1, n_times=1, n_samples=4)
    sensitivity.attrs["estimator"] = name
    text = said(tmp_path, sensitivity)
    first = text[: text.index("Findings", text.index("Next:"))]
    assert ("Gradients on this page are" in first) == (name != "pathwise")


def test_a_bias_of_the_gradients_is_said_wherever_they_are_shown(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(n_parameters=2, n_observables=1)
    (sentence,) = bias_attributes("straight-through").values()
    assert sentence not in said(tmp_path, sensitivity)
    sensitivity.attrs |= {"estimator": "straight-through", **bias_attributes("straight-through")}
    html = build(tmp_path, sensitivity, None).read_text()
    ends = {"time_course": "</details>", "tornado": "</details>", "gradient_trust": "</details>"}
    for place in ("findings", "explorer", "observables", "run", *ends):
        start = html.index(f'id="{place}"')
        assert sentence in html[start : html.index(ends.get(place, "</section>"), start)], place
    start = html.index('id="noise"')
    assert sentence not in html[start : html.index("</details>", start)]
    text = " ".join(Page(html).text.split())
    assert "Straight-through gradients ∂c/∂p := 1" in text
    assert "cheap, and biased, also with any number of seeds" in text


def test_what_a_run_does_not_have_is_said_in_one_line(tmp_path: Path) -> None:
    shape: dict[str, Any] = {"n_parameters": 3, "n_observables": 1, "n_times": 1}
    sensitivity = synthetic.sensitivity(**shape, stochastic=False)
    text = said(tmp_path, sensitivity, synthetic.checks(**shape))
    for name in ("noise", "identifiability", "gradient_trust"):
        entry = CATALOGUE[name]
        reason = absent(sensitivity)[entry.needs[-1]]
        assert f"{entry.title}: not shown, it {reason}." in text
        assert entry.told(list(map(str, sensitivity.variables)), when(sensitivity)) not in text
    assert "The study has no noise" in text
    assert "no noise, 3 parameters, 1 observable, 1 recorded time" in text


def test_what_has_no_one_answer_stands_first(tmp_path: Path) -> None:
    sensitivity, checks = synthetic.sensitivity(**SMALL), synthetic.checks(**SMALL)
    assert "Not one answer" not in said(tmp_path, sensitivity, checks)
    numbers = {q.name: np.zeros(checks.sizes["observable"]) for q in ONE_ANSWER}
    numbers["alone_value_differs"][0] = 1
    numbers["alone_value_difference"][0] = 0.42
    text = said(tmp_path, sensitivity, store.with_one_answer(checks, numbers, 4))
    assert (
        text.index("Do not use")
        < text.index("Not one answer: ")
        < text.index("Findings", text.index("Next:"))
    )
    assert text.index("Not one answer: ") < text.index("Automatic gradients agree")


def test_the_jobs_draw_and_write_from_files(tmp_path: Path, run: Path) -> None:
    sensitivity = synthetic.sensitivity(n_parameters=2, n_observables=1, n_times=2, n_samples=8)
    sensitivity.attrs["jaxmorph_file"] = "sensitivity"
    file = tmp_path / "sensitivity.nc"
    sensitivity.to_netcdf(file)
    seal(file)
    draw_figures(["active_subspace", "tornado"], str(file), None, None, Findings(), tmp_path / "figures")
    assert {f.name for f in (tmp_path / "figures").iterdir()} == {
        "checksums.json",
        *(f"{n}.{kind}" for n in ("active_subspace", "tornado") for kind in ("svg", "pdf", "csv")),
    }
    table = pd.read_csv(tmp_path / "figures/active_subspace.csv")
    assert table["eigenvalue"].max() == sensitivity["eigenvalue"].isel(time=-1).max().item()
    # The estimates' file knows only what decides them; the page tells of the whole run.
    sensitivity.attrs["configuration"] = json.dumps(ASKED.plain())
    expected = build(tmp_path, sensitivity, None).read_bytes()
    write_page("notebook", ASKED, str(file), None, None, [], str(tmp_path / "report.html"))
    assert (tmp_path / "report.html").read_bytes() == expected


def test_facts_leave_out_what_is_not_known() -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    known = dict(facts.run_facts(sensitivity))
    assert known["design"] == "64 samples of a Sobol sequence"
    assert known["recorded times"] == "5, from 0 to 0.1"
    assert known["time of all batches"] == "42 s"
    assert known["libraries"] == "jax 0.10.1, equinox 0.13"
    assert known["estimates made"] == "2030-01-01 00:00 UTC"
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert known["code"] == f"jaxmorph 0.1.0, commit {commit}, without changes"
    sensitivity.attrs = {"batch_wall_time_s": 4000, "library_versions": "not JSON"}
    known = dict(facts.run_facts(sensitivity))
    assert known["time of all batches"] == "1 h 6 min"
    assert "libraries" not in known
    assert "device" not in known


def test_distributions_in_words() -> None:
    kind = {"low": 0.0025, "high": 0.01, "distribution": "log-uniform"}
    assert facts.distribution(kind) == "log-uniform, low 0.0025, high 0.01"
    kind = {"median": 2.0, "sd_log": 0.5, "distribution": "log-normal"}
    assert facts.distribution(kind) == "log-normal, median 2, sd log 0.5"


def test_snakemakes_own_report_has_the_captions_of_the_page(tmp_path: Path, run: Path) -> None:
    films = {path.stem for path in (ROOT / "workflow/report").glob("*.rst")}
    assert {"report", *ANIMATIONS} <= films
    sensitivity = synthetic.sensitivity(n_parameters=2, n_observables=1)
    sensitivity.attrs |= {"jaxmorph_file": "sensitivity", **bias_attributes("straight-through")}
    sensitivity.to_netcdf(tmp_path / "sensitivity.nc")
    seal(tmp_path / "sensitivity.nc")
    (bias,) = bias_attributes("straight-through").values()
    texts = captions("sweep", CATALOGUE, Findings(), tmp_path)
    for name, entry in CATALOGUE.items():
        text = texts[name]
        assert text.startswith(
            f"**{entry.title}.** {entry.told(list(map(str, sensitivity.variables)), when(sensitivity))}"
        )
        assert "Run ``sweep``" in text and f"``{name}.csv``" in text
        assert (bias in text) == bool(
            entry.source.startswith("sensitivity.nc") and bias_shown(name, sensitivity)
        )
    assert bias in texts["tornado"]
