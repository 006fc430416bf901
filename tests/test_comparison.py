"""Runs beside each other: differences with their errors, in words, figures and on a page."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from support.workflow import jobs, prepare, snakemake, tiny

import jaxmorph as jxm
from jaxmorph import report, sensitivity, store
from jaxmorph.distributions import Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import comparison as drawn
from jaxmorph.report.comparison import configurations
from jaxmorph.report.comparison.findings import findings
from jaxmorph.sensitivity.differences import RELATIVE, PairedDifferences, unpaired
from jaxmorph.sensitivity.question import Question
from jaxmorph.sensitivity.shared import Shared
from jaxmorph.sensitivity.two_way import Blocks

DIMS = ("sample", "seed", "time", "observable")
WEIGHTS = {"c1": 1.5, "c4": 2.0}
"""Of the linear study, where they are not 1 and 3."""


def analysis(folder: Path, **changes: Any) -> jxm.Analysis:
    asked: dict[str, Any] = {
        "design": {"method": "sobol", "samples": 32},
        "seeds": 8,
        "key": 3,
        "settings": {"noise": 1.0},
        "checks": {"samples": 0},
        "progress": False,
    }
    return jxm.analyse("linear", folder=folder, **asked | changes)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, jxm.Analysis]:
    folder = tmp_path_factory.mktemp("compared")
    return {
        "control": analysis(folder / "control"),
        "mutant": analysis(folder / "mutant", settings={"noise": 1.0, **WEIGHTS}),
        "noisier": analysis(folder / "noisier", settings={"noise": 3.0}),
        "other-key": analysis(folder / "other-key", key=4),
    }


@pytest.fixture(scope="module")
def comparison(runs: dict[str, jxm.Analysis]) -> jxm.Comparison:
    return jxm.compare(runs["control"], runs["mutant"], runs["noisier"], runs["other-key"])


def test_paired_differences_of_the_linear_study_are_those_of_its_formula(
    runs: dict[str, jxm.Analysis], comparison: jxm.Comparison
) -> None:
    """Noise that is added to both is in no difference; a gradient is a weight."""
    one = comparison.dataset.sel(other="mutant", observable="weighted_sum").isel(time=0)
    weights = np.array([0.5, 0, 0, -1, 0])  # those of the mutant, less those of the control
    np.testing.assert_allclose(one["gradient_average_difference"], weights, atol=1e-12)
    points = store.read_dataset(runs["control"].folder / "design.nc", "design")["parameter_value"]
    each = (points * weights).sum("parameter")
    assert float(one["value_average_difference"]) == pytest.approx(float(each.mean()), abs=1e-12)
    assert float(one["value_average_difference_se_seeds"]) == pytest.approx(0, abs=1e-12)
    # Samples are the only error, that of the mean of so many.
    se = float(each.std("sample", ddof=1)) / 32**0.5
    assert float(one["value_average_difference_se_samples"]) == pytest.approx(se, rel=1e-9)
    for name in ("gradient_average", "value_average"):
        both = [one[name].sel(run=run) for run in ("mutant", "control")]
        np.testing.assert_allclose(one[f"{name}_difference"], both[0] - both[1], atol=1e-12)


def test_the_error_of_twins_is_that_of_what_differs(comparison: jxm.Comparison) -> None:
    """Three times the noise of the same seeds: what differs is twice the noise, at every point."""
    one = comparison.dataset.sel(other="noisier", observable="weighted_sum").isel(time=0)
    difference = float(one["value_average_difference"])
    assert float(one["value_average_difference_se_samples"]) == pytest.approx(0, abs=1e-12)
    assert 0.2 < float(one["value_average_difference_se_seeds"]) / (2 / 8**0.5) < 2
    assert float(one["value_average_difference_low"]) < difference
    told = json.loads(comparison.dataset.attrs["pairs"])
    assert told["noisier"]["not_paired"] == ""
    assert told["other-key"]["not_paired"] == "their random keys differ: 3 and 4"
    apart = comparison.dataset.sel(other="other-key", observable="weighted_sum").isel(time=0)
    lengths = {
        run: float((apart["value_average_high"] - apart["value_average_low"]).sel(run=run))
        for run in ("control", "other-key")
    }
    whole = apart["value_average_difference_high"] - apart["value_average_difference_low"]
    assert lengths["control"] < float(whole) < sum(lengths.values())


def _repetitions() -> tuple[list[xr.Dataset], xr.Dataset, tuple[float, float]]:
    """1000 pairs of runs (as observables), with noise of seeds, of points and of both; the truths."""
    rng, (n, seeds, times) = np.random.default_rng(1), (24, 12, 1000)
    x = rng.uniform(0, 1, (n, 1, 1, times))
    z = rng.standard_normal((1, seeds, 1, times))
    slabs = []
    for slope, noise in ((1.0, 1.0), (1.5, 1.2)):
        own = 0.3 * rng.standard_normal((n, seeds, 1, times))
        value = 6 + slope * x + noise * z + own
        gradient = np.broadcast_to(slope + noise * z, value.shape)[..., None]
        slab = xr.Dataset({"value": (DIMS, value), "gradient": ((*DIMS, "parameter"), gradient)})
        slab["parameter_value"] = (("sample", "parameter"), np.linspace(0.1, 1, n)[:, None])
        axes: dict[str, Any] = {
            "sample": np.arange(n),
            "time": [0.0],
            "observable": np.arange(times).astype(str),
        }
        slabs.append(slab.assign_coords(**axes, parameter=["x"]))
    points = xr.Dataset(
        {name: (("sample", "parameter"), np.linspace(0.1, 1, n)[:, None]) for name in
         ("parameter_value", "unit_value")},
        coords={"sample": np.arange(n), "parameter": ["x"]},
    )  # fmt: skip
    return slabs, points, (0.25, 6.75 / 6.5 - 1)


def test_paired_intervals_cover_the_truth_and_are_much_shorter_than_those_of_others() -> None:
    slabs, points, truths = _repetitions()
    question = Question([Uniform(low=0, high=1)])
    estimates = []
    for slab in slabs:
        average = sensitivity.DesignAverage(0.1, Blocks(np.arange(24)))
        arguments = slab["value"], slab["gradient"], slab["parameter_value"]
        local = sensitivity.local_estimates(*arguments)
        average.add(*arguments, local, rows=np.arange(24))
        estimates.append(xr.Dataset(average.estimates()))
    shared = Shared.of(("a", "b"), *estimates)
    means = estimates[0]["value_average"], estimates[1]["value_average"]
    pairs = PairedDifferences((points, points), (question, question), shared, means)
    cuts = [slice(0, 10), slice(10, 24)], [slice(0, 7), slice(7, 20), slice(20, 24)]
    cut = [[slab.isel(sample=c) for c in parts] for slab, parts in zip(slabs, cuts, strict=True)]
    for one, other in store.side_by_side(*cut):
        pairs.add(one, other)
    made = pairs.finish()
    known = {
        "value_average_difference": truths[0],
        "gradient_average_difference": 0.5,
        RELATIVE: truths[1],
    }
    apart = unpaired(*estimates)
    for name, truth in known.items():
        hit = (made[f"{name}_low"] <= truth) & (made[f"{name}_high"] >= truth)
        assert 0.91 <= float(hit.mean()) <= 0.98, name
        lengths = [float((d[f"{name}_high"] - d[f"{name}_low"]).mean()) for d in (made, apart)]
        assert lengths[0] < 0.35 * lengths[1], name


def test_what_is_relative_has_the_error_of_a_ratio_of_independent_means() -> None:
    """Against 20000 draws of both, for means and ratios of every sign."""
    rng = np.random.default_rng(2)
    names = ["value_average", "value_average_low", "value_average_high"]
    for first, second in ((4.0, 6.0), (-4.0, 6.0), (-4.0, -2.0), (4.0, -6.0)):
        runs = []
        for mean, se in ((first, 0.1), (second, 0.2)):
            values = (mean, mean - 1.96 * se, mean + 1.96 * se)
            runs.append(xr.Dataset({n: ("observable", [v]) for n, v in zip(names, values, strict=True)}))
        made = unpaired(*runs)
        draws = rng.normal(second, 0.2, 20_000) / rng.normal(first, 0.1, 20_000) - 1
        length = float((made[f"{RELATIVE}_high"] - made[f"{RELATIVE}_low"]).item())
        assert length == pytest.approx(2 * 1.96 * draws.std(), rel=0.05)


def test_what_one_run_alone_has_is_left_out_and_named() -> None:
    def estimates(observables: list[str], units: list[str], time: list[float]) -> xr.Dataset:
        shape = (len(time), len(observables))
        data = xr.Dataset({"value_average": (("time", "observable"), np.ones(shape))})
        data = data.assign_coords(time=time, observable=observables, parameter=["a"])
        return data.assign_coords(observable_unit=("observable", units))

    first = estimates(["x", "y", "z"], ["um", "h", "1"], [0.0, 1.0, 2.0])
    second = estimates(["z", "w", "x"], ["1", "1", "mm"], [0.5, 1.0, 1.5, 2.0])
    shared = Shared.of(("control", "mutant"), first, second)
    assert shared.observables == ("z",) and shared.times == ((1, 2), (1, 3))
    assert shared.left_out == (
        "y (observable of control alone)",
        "w (observable of mutant alone)",
        "x (measured in um in control, in mm in mutant)",
        "1 recorded times of control alone",
        "2 recorded times of mutant alone",
    )
    with pytest.raises(
        JaxmorphError, match="control and mutant cannot be compared: they share no observ"
    ):
        Shared.of(("control", "mutant"), first, second.isel(observable=[1]))
    with pytest.raises(JaxmorphError, match=r"no recorded time \(control records 0 to 0; mutant"):
        Shared.of(("control", "mutant"), first.isel(time=[0]), second)


def test_findings_say_what_the_numbers_say(comparison: jxm.Comparison) -> None:
    one, noisier, apart = findings(comparison.dataset)
    data = comparison.dataset.isel(time=-1).sel(observable="weighted_sum")
    for found in (one, noisier, apart):
        ends = [
            float(data[f"value_average_difference_{e}"].sel(other=found.other)) for e in ("low", "high")
        ]
        assert ("differs from" in found.lead) is (ends[0] > 0 or ends[1] < 0), found.lead
    assert comparison.findings == [line for found in (one, noisier, apart) for line in found.lines]
    for line in one.effects:
        said = re.match(
            r"(x\d) matters (more|less) for weighted sum in mutant: "
            r"total index ([\d.]+) % against ([\d.]+) %",
            line,
        )
        assert said is not None, line
        parameter, how, two, first = said.groups()
        indices = [
            float(data["sobol_total"].sel(run=r, parameter=parameter)) for r in ("mutant", "control")
        ]
        np.testing.assert_allclose([float(two), float(first)], [100 * i for i in indices], rtol=0.05)
        assert (how == "more") is (indices[0] > indices[1])
    assert any(line.startswith("x4 matters less") for line in one.effects)


def test_a_table_has_the_keys_that_differ(comparison: jxm.Comparison) -> None:
    table = dict(configurations.rows(json.loads(comparison.dataset.attrs["about"])))
    absent = configurations.ABSENT
    assert table == {
        "settings.noise": ("1.0", "1.0", "3.0", "1.0"),
        "settings.c1": (absent, "1.5", absent, absent),
        "settings.c4": (absent, "2.0", absent, absent),
        "key": ("3", "3", "3", "4"),
    }


def test_the_page_needs_nothing_but_itself(comparison: jxm.Comparison, tmp_path: Path) -> None:
    page = comparison.report(tmp_path / "page.html").read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page) and "http" not in re.sub(
        r"data:[^\"]*", "", page
    )
    for text in ("settings.c4", "their random keys differ: 3 and 4", "simulation by simulation"):
        assert text in page
    for line in comparison.findings:
        assert line.replace(" %", "\u00a0%") in page.replace("&#39;", "'")
    assert all(f'id="figure-{name}"' in page for name in ("means", "mean_differences", "total_indices"))
    assert "<svg" in comparison._repr_html_()


def test_figures_have_their_numbers_as_tables(comparison: jxm.Comparison) -> None:
    for name in ("means", "mean_differences", "total_indices"):
        figure, table = drawn.draw(name, comparison.dataset)
        assert figure.axes and len(table) and drawn.entry(name).variables[0] in table
    with pytest.raises(JaxmorphError, match="elasticities has nothing to show: it needs parameters"):
        comparison.plot.elasticities()  # all parameters change sign
    with pytest.raises(AttributeError, match="there is no figure mean: choose one of means, "):
        comparison.plot.mean()


def test_wrong_calls_are_one_readable_line(runs: dict[str, jxm.Analysis], tmp_path: Path) -> None:
    one = runs["control"]
    calls: list[tuple[list[Any], list[str] | None, str]] = [
        ([one], None, "compare needs two or more runs, not 1"),
        ([one, one], None, "two of the runs are called control; give names=[...], each its own"),
        ([one, one], ["a"], "names = ['a']: must name each of 2 runs"),
        ([one, tmp_path], None, f"{tmp_path}: has no design.json; name the folder of a run"),
    ]
    for given, names, expected in calls:
        with pytest.raises(JaxmorphError, match=re.escape(expected)):
            jxm.compare(*given, names=names)


def test_a_run_does_not_differ_from_itself(finished: Path) -> None:
    """Of a run that the workflow made, by its folder, with batches along seeds."""
    folder = finished / "results/tiny"
    same = jxm.compare(folder, folder, names=["a", "b"])
    assert same.dataset.attrs["pairs"] == '{"b": {"not_paired": "", "left_out": []}}'
    assert float(abs(same.dataset["value_average_difference"]).max()) == 0
    assert same.findings[0].startswith("On average no difference is found between b and a at time ")
    assert report.findings_of_comparison(same.dataset) == same.findings


def test_the_workflow_makes_the_pages_that_are_asked_for(tmp_path: Path) -> None:
    runs = {"a": tiny()["own"], "b": tiny()["own"] | {"key": 1}}
    folder = prepare(tmp_path, runs)
    (folder / "config.yaml").write_text(json.dumps({"runs": runs, "compare": {"keys": ["a", "b"]}}))
    planned = jobs(snakemake(folder, "-n"))
    assert planned["compare"] == planned["comparison_page"] == 1


@pytest.mark.slow
def test_a_comparison_by_the_workflow_is_that_of_the_library(tmp_path: Path) -> None:
    runs = {"a": tiny()["own"], "b": tiny()["own"] | {"settings": {"precision": "float32"}}}
    folder = prepare(tmp_path, runs)
    (folder / "config.yaml").write_text(json.dumps({"runs": runs, "compare": ["a", "b"]}))
    done = snakemake(folder, "results/compare-a-b/report.html")
    assert done.returncode == 0, done.stderr
    there = store.read_dataset(folder / "results/compare-a-b/comparison.nc", "comparison")
    here = jxm.compare(folder / "results/a", folder / "results/b").dataset
    for name in here.variables:
        np.testing.assert_array_equal(here[name].values, there[name].values)
