"""The report's page: what it says follows from the numbers, and it needs nothing but itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import numpy as np
import pytest
import synthetic
import xarray as xr

from jaxmorph import animations
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import draw, figure_names, save_figure
from jaxmorph.figures.catalogue import ANIMATIONS, CATALOGUE
from jaxmorph.report import facts, page, summary, write_report

SMALL = {"n_parameters": 2, "n_observables": 2, "n_times": 5}


def build(folder: Path, sensitivity: xr.Dataset, checks: xr.Dataset | None, films: bool) -> Path:
    """Figures, films and page of a run, from datasets."""
    names = figure_names(
        sensitivity.attrs.get("design_method", ""),
        sensitivity.sizes["parameter"],
        checks is not None,
    )
    for name in names:
        save_figure(*draw(name, sensitivity, checks), folder / "figures" / name)
    made = {}
    if films:
        made = {name: folder / "animations" / f"{name}.mp4" for name in ANIMATIONS}
        animations.cells_animation(synthetic.batch(), made["cells"])
        animations.corners_animation(synthetic.corners(), made["corners"])
    path = folder / "report.html"
    write_report(path, "notebook", sensitivity, folder / "figures", made, checks)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    sensitivity = synthetic.sensitivity(**SMALL, design="grid", side=4)
    build(folder, sensitivity, synthetic.checks(**SMALL), films=True)
    return folder


class _Page(HTMLParser):
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
        if "style" not in self._open[-1:]:
            self.text += data

    def having(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def parsed(run: Path) -> _Page:
    return _Page((run / "report.html").read_text())


def test_page_asks_for_nothing_outside(run: Path) -> None:
    html = (run / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#|figures/|animations/)', html)
    assert "url(" not in html
    assert "@import" not in html
    assert "<script" not in html


def test_every_link_leads_somewhere(run: Path, parsed: _Page) -> None:
    targets = [attrs["href"] for attrs in parsed.having("a")]
    identifiers = {attrs["id"] for _, attrs in parsed.tags if "id" in attrs}
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in identifiers
        else:
            assert (run / target).is_file(), target
    assert {f"figures/{name}.csv" for name in CATALOGUE} <= set(targets)


def test_every_figure_has_alternative_text_caption_and_variables(parsed: _Page) -> None:
    pictures = parsed.having("img")
    assert len(pictures) == len(CATALOGUE) + len(ANIMATIONS), "films have a frame for print"
    assert all(len(attrs["alt"]) > 20 for attrs in pictures)
    for entry in [*CATALOGUE.values(), *ANIMATIONS.values()]:
        assert entry.reading in parsed.text
        assert all(variable in parsed.text for variable in entry.variables)


def test_films_have_controls_and_a_first_picture(parsed: _Page) -> None:
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
    text = _Page(build(tmp_path, sensitivity, None, films=False).read_text()).text
    assert not re.search(r"\b(nan|NaN|None|inf)\b", text)
    assert "mean distance with respect to alpha" in text


def test_the_same_page_when_made_again(run: Path) -> None:
    first = (run / "report.html").read_bytes()
    sensitivity = synthetic.sensitivity(**SMALL, design="grid", side=4)
    made = {name: run / "animations" / f"{name}.mp4" for name in ANIMATIONS}
    checks = synthetic.checks(**SMALL)
    write_report(run / "report.html", "notebook", sensitivity, run / "figures", made, checks)
    assert (run / "report.html").read_bytes() == first


def test_text_from_a_study_cannot_break_the_page(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    sensitivity.attrs["study_description"] = "a < b <script>alert(1)</script> & c"
    html = build(tmp_path, sensitivity, None, films=False).read_text()
    assert "<script>" not in html
    assert "a &lt; b &lt;script&gt;" in html


def test_a_heavy_figure_is_embedded_as_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "_HEAVY_SVG", 1000)
    html = build(tmp_path, synthetic.sensitivity(**SMALL), None, films=False).read_text()
    assert "data:image/png;base64," in html
    assert "data:image/svg+xml" not in html


def test_a_missing_figure_is_named(tmp_path: Path) -> None:
    with pytest.raises(JaxmorphError, match=r"the figure tornado is missing: .*tornado\.svg"):
        write_report(tmp_path / "r.html", "run", synthetic.sensitivity(**SMALL), tmp_path)
    assert not (tmp_path / "r.html").exists()


def test_the_lines_about_reading_the_data_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    (tmp_path / "results" / "notebook").mkdir(parents=True)
    sensitivity.to_netcdf(tmp_path / "results" / "notebook" / "sensitivity.nc")
    monkeypatch.chdir(tmp_path)
    lines = page.example("notebook", sensitivity)
    assert len(lines.splitlines()) == 5
    exec(compile(lines, "example", "exec"), {})
    assert "epsilon" in capsys.readouterr().out


def _told(values: list[tuple[float, float, float]]) -> xr.Dataset:
    """A dataset of one observable whose elasticities and intervals are given."""
    estimate, low, high = np.array(values).T
    dims = ("time", "observable", "parameter")
    names = ["a_one", "b_two", "c_three", "d_four"][: len(values)]
    return xr.Dataset(
        {
            "elasticity_average": (dims, estimate[None, None]),
            "elasticity_average_low": (dims, low[None, None]),
            "elasticity_average_high": (dims, high[None, None]),
        },
        {"parameter": names, "observable": ["distance"], "time": [1.0]},
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
    assert summary.leading([ranking], 2) == "The parameter with the largest effect is b two."


def test_summary_says_which_observables_are_negative(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(n_parameters=1, n_observables=4, n_times=2)
    assert summary.negative(sensitivity) == ["total energy"]
    text = _Page(build(tmp_path, sensitivity, None, films=False).read_text()).text
    assert "become more negative as they grow in size: total energy." in text


def test_summary_warns_of_values_that_change_sign(tmp_path: Path) -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    assert summary.sign_changes(sensitivity) == []
    sensitivity["parameter_value"][:, 1] -= float(sensitivity["parameter_value"][:, 1].mean())
    assert summary.sign_changes(sensitivity) == ["alpha"]
    text = _Page(build(tmp_path, sensitivity, None, films=False).read_text()).text
    assert "Over the design alpha changes sign." in text


def test_summary_of_nothing_clear() -> None:
    found = summary.rankings(_told([(0.1, -0.05, 0.15), (np.nan, np.nan, np.nan)]))
    assert found[0].undefined == ["b two"]
    assert summary.leading(found, 1).startswith("One seed has no uncertainty")
    assert summary.leading(found, 2) == "No parameter has an effect that can be told from zero."


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
    text = summary.worst_check(checks)
    assert text is not None
    assert "to 3.1 × 10⁻⁴ of" in text
    assert "worst: radius of gyration with respect to epsilon" in text
    assert "in 6 simulations" in text


def test_a_zero_gradient_gives_no_scale_to_compare_on() -> None:
    checks = synthetic.checks(**SMALL)
    for variable, value in (("gradient", 0.0), ("relative_difference", 1e290)):
        checks[variable][..., 0, 1] = value
    text = summary.worst_check(checks)
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
    text = _Page(build(tmp_path, sensitivity, None, films=False).read_text()).text
    assert "sample 39, seed 3" in text
    assert "sample 40, seed 3" not in text
    assert "20 more" in text
    assert summary.health(synthetic.sensitivity(**SMALL)).good


def test_facts_leave_out_what_is_not_known() -> None:
    sensitivity = synthetic.sensitivity(**SMALL)
    known = dict(facts.run_facts(sensitivity))
    assert known["design"] == "64 samples of a Sobol sequence"
    assert known["recorded times"] == "5, from 0 to 0.1"
    assert known["time of all batches"] == "42 s"
    assert known["libraries"] == "jax 0.10.1, equinox 0.13"
    assert known["made on"] == "2030-01-01 00:00 UTC"
    sensitivity.attrs = {"wall_time_s": 4000, "library_versions": "not JSON"}
    known = dict(facts.run_facts(sensitivity))
    assert known["time of all batches"] == "1 h 6 min"
    assert "libraries" not in known
    assert "device" not in known


def test_distributions_in_words() -> None:
    kind = {"low": 0.0025, "high": 0.01, "distribution": "log-uniform"}
    assert facts.distribution(kind) == "log-uniform, low 0.0025, high 0.01"
    kind = {"median": 2.0, "sd_log": 0.5, "distribution": "log-normal"}
    assert facts.distribution(kind) == "log-normal, median 2, sd log 0.5"


CAPTIONS = sorted((synthetic.ROOT / "workflow" / "report").glob("*.rst"))


def test_workflow_has_a_caption_for_every_picture() -> None:
    named = {path.stem for path in CAPTIONS}
    assert {"figure", "report", *ANIMATIONS} <= named
    figure = (synthetic.ROOT / "workflow" / "report" / "figure.rst").read_text()
    for name in CATALOGUE:
        wildcards = {"run": "sweep", "figure": name}
        text = jinja2.Template(figure).render(snakemake={"wildcards": wildcards})
        assert len(text.split("Run ``sweep``")[0].strip()) > 50
        assert f"{name}.csv" in text
