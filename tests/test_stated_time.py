"""The time at which findings are stated: the nearest recorded one, and everything says which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import synthetic

from jaxmorph.configuration import Run
from jaxmorph.configuration.specify import Specifications
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import caption, draw, figure_names
from jaxmorph.figures.stated import stated, when
from jaxmorph.report import explorer, findings_of, page, summary

ASKED: dict[str, Any] = {
    "study": "epidemic",
    "parameters": {"beta": "default", "gamma": "default"},
    "design": {"method": "sobol", "samples": 8},
    "seeds": 1,
}


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    """An effect of the first parameter that ends, and one of the second that begins."""
    found = synthetic.sensitivity(n_parameters=2, n_observables=1, n_samples=16, n_times=5)
    found["time"].attrs["units"] = "day"
    for place, course in enumerate(([2.0, 2.0, 2.0, 0.1, 0.1], [-0.1, -0.1, -0.1, -1.0, -1.0])):
        for end, off in (("", 0.0), ("_low", -0.01), ("_high", 0.01)):
            found[f"elasticity_average{end}"][:, 0, place] = np.array(course) + off
    return found


def test_it_is_the_nearest_recorded_one_and_else_the_last(data: xr.Dataset) -> None:
    times = data["time"].values
    assert when(data) == when(stated(data, "last")) == f"the last time ({times[-1]:g} day)"
    assert when(stated(data, 0.6 * times[1] + 0.4 * times[2])) == f"time {times[1]:g} day"
    assert when(stated(data, float(times[-1]))) == when(data)


def test_a_time_outside_the_records_is_one_line(data: xr.Dataset) -> None:
    line = r"^findings\.time = 400: the recorded times are 0 to 0\.1 day; choose one of them, or last$"
    with pytest.raises(JaxmorphError, match=line):
        stated(data, 400)


def test_rankings_figures_captions_and_charts_are_of_it(data: xr.Dataset) -> None:
    times = data["time"].values
    data = data[[name for name in data if str(name).startswith(("elasticity", "mean", "central"))]]
    early = stated(data, float(times[1]))
    for one, first, at in ((data, 1, -1), (early, 0, 1)):
        name = str(data["parameter"].values[first]).replace("_", " ")
        assert summary.rankings(one)[0].first == [name]
        assert name in findings_of(one)[0]
        assert explorer.document(one)["stated"] == at % 5
        assert caption("tornado", one).reading.count(f"at {when(one)}") == 1
        _, table = draw("tornado", one)
        assert set(table["time"]) == {times[at]}


def test_the_page_says_which(data: xr.Dataset) -> None:
    early = stated(data, float(data["time"].values[1]))
    assert page._context("run", page.Data(early))["when"] == f"time {data['time'].values[1]:g} day"


def test_every_figure_can_be_of_any_time(data: xr.Dataset) -> None:
    early, checks = stated(data, 0.0), stated(synthetic.checks(n_parameters=2, n_observables=1), 0.0)
    for name in figure_names("sobol", 2):
        assert len(draw(name, early, checks)[1]) > 0


def test_another_time_reruns_no_simulation_and_no_estimate() -> None:
    before, after = (
        Specifications(Run.model_validate(ASKED | more)) for more in ({}, {"findings": {"time": 40}})
    )
    assert before.run.findings != after.run.findings
    assert before.estimates == after.estimates and before.design == after.design
    assert before.question == after.question and before.checks == after.checks


def test_the_observables_themselves_are_drawn_with_both_spreads() -> None:
    data = synthetic.sensitivity(n_parameters=2, n_observables=2, n_samples=12, n_seeds=8)
    _, table = draw("values_over_time", data)
    for (observable, time), rows in table.groupby(["observable", "time"]):
        (row,) = rows.itertuples()
        one = data.sel(observable=observable, time=time)
        assert row.value_average == one["value_average"].item()
        ends = np.quantile(one["mean"], [1 / 6, 5 / 6])
        np.testing.assert_allclose([row.samples_low, row.samples_high], ends, rtol=1e-12)
        of_seeds = np.sqrt((one["mean_se"] ** 2 * 8).mean())
        np.testing.assert_allclose(row.seeds_sd, of_seeds, rtol=1e-12)


@pytest.mark.parametrize("shape", [{"n_observables": 1}, {"n_observables": 3, "n_times": 1}])
def test_the_observables_mark_the_stated_time(shape: dict[str, Any]) -> None:
    data = synthetic.sensitivity(n_parameters=1, n_samples=4, **shape)
    figure, _ = draw("values_over_time", stated(data, float(data["time"].values[0])))
    dotted = [line for ax in figure.axes for line in ax.lines if line.get_linestyle() == ":"]
    assert len(dotted) == (0 if data.sizes["time"] == 1 else len(figure.axes))
    assert all(np.asarray(line.get_xdata())[0] == data["time"].values[0] for line in dotted)
