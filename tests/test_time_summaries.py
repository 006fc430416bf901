"""Summaries over time are those of closed forms, with their gradients; to add one simulates nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.stats import qmc

import jaxmorph as jxm
from jaxmorph.configuration import Run
from jaxmorph.configuration.sections import TimeSummary
from jaxmorph.configuration.specify import Specifications
from jaxmorph.designs import SobolDesign
from jaxmorph.distributions import Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.sensitivity import Question, estimate, refuted_of, with_summaries
from jaxmorph.sensitivity.time_summaries import SUMMARIES

# Amplitude, decay and frequency of a damped oscillation, and when it is highest: tan(w t) = w / k.
A, K, W = 2.0, 0.3, 1.7
AT = np.arctan2(W, K) / W
T = AT * np.arange(4801) / 400


def damped(a: float, k: float, w: float) -> tuple[np.ndarray, np.ndarray]:
    """a exp(-k t) sin(w t) and its gradient (time, parameter)."""
    decay, phase = np.exp(-k * T), w * T
    f = a * decay * np.sin(phase)
    return f, np.stack([f / a, -T * f, a * decay * T * np.cos(phase)], axis=-1)


def test_the_maximum_of_a_damped_oscillation() -> None:
    """By the envelope theorem its gradient is that of f there."""
    top = A * np.exp(-K * AT) * W / np.hypot(K, W)
    value, gradient = SUMMARIES["maximum"](*damped(A, K, W), T)
    np.testing.assert_allclose(value, top, rtol=1e-12)
    slope = A * np.exp(-K * AT) * AT * np.cos(W * AT)
    np.testing.assert_allclose(gradient, [top / A, -AT * top, slope], rtol=1e-12)
    # Between two records: the nearest is at most half a step away, 1 - (w^2 + k^2) h^2 / 8.
    lowest, gradient = SUMMARIES["minimum"](*damped(A, K, W), T)
    np.testing.assert_allclose(lowest, -top * np.exp(-K * np.pi / W), rtol=(W**2 + K**2) * T[1] ** 2 / 8)
    np.testing.assert_allclose(gradient[0], lowest / A, rtol=1e-12)


def test_the_time_of_the_maximum_of_a_damped_oscillation() -> None:
    """d/dk arctan(w / k) / w = -1 / (k^2 + w^2); d/dw = k / (w (k^2 + w^2)) - t / w."""
    square = K**2 + W**2
    value, gradient = SUMMARIES["time of maximum"](*damped(A, K, W), T)
    np.testing.assert_allclose(value, AT, rtol=1e-5)
    np.testing.assert_allclose(gradient, [0, -1 / square, K / (W * square) - AT / W], atol=2e-3)


def test_the_integral_of_an_exponential() -> None:
    k = 0.7
    f = np.exp(-k * T)
    value, gradient = SUMMARIES["integral"](f, (-T * f)[:, None], T)
    end, last = T[-1], np.exp(-k * T[-1])
    np.testing.assert_allclose(value, (1 - last) / k, rtol=1e-6)
    np.testing.assert_allclose(gradient, [-(1 - last) / k**2 + end * last / k], rtol=1e-5)


def test_a_parabola_at_uneven_times_has_its_top_where_it_is() -> None:
    time = np.array([0.0, 1.0, 1.5, 4.0, 5.0])
    for top in (0.3, 1.2, 2.9, 4.7):
        f = 3.0 - (time - top) ** 2
        gradient = np.stack([2 * (time - top), np.ones(5)], axis=-1)
        value, slope = SUMMARIES["time of maximum"](f, gradient, time)
        np.testing.assert_allclose(value, top, rtol=1e-12)
        np.testing.assert_allclose(slope, [1.0, 0.0], atol=1e-12)


def test_a_maximum_at_an_end_stays_there_and_moves_on_from_there_without_a_jump() -> None:
    time, tops = np.arange(5.0), np.linspace(-0.5, 4.5, 501)
    f = -(np.abs(time - tops[:, None]) ** 1.7)  # no parabola
    g = (1.7 * np.sign(time - tops[:, None]) * np.abs(time - tops[:, None]) ** 0.7)[..., None]
    value, slope = SUMMARIES["time of maximum"](f, g, time)
    assert value[0] == 0 and value[-1] == 4 and slope[0] == slope[-1] == 0
    assert np.abs(np.diff(value)).max() < 0.03
    flat, none = SUMMARIES["time of maximum"](np.ones(5), np.ones((5, 1)), time)
    assert flat == 0 and none == 0


@pytest.mark.parametrize("take", SUMMARIES)
def test_every_gradient_is_the_derivative_of_the_value(take: str) -> None:
    rng = np.random.default_rng(0)
    time = np.sort(rng.uniform(0, 1, 12))
    f, direction = rng.standard_normal((50, 12)).cumsum(axis=1), rng.standard_normal((50, 12, 2))
    _, gradient = SUMMARIES[take](f, direction, time)
    h = 1e-7
    for p in range(2):
        ends = [SUMMARIES[take](f + s * h * direction[..., p], direction, time)[0] for s in (-1, 1)]
        np.testing.assert_allclose(gradient[:, p], (ends[1] - ends[0]) / (2 * h), rtol=1e-5, atol=1e-6)


def slab(n_samples: int = 32, n_seeds: int = 12) -> tuple[xr.Dataset, xr.Dataset]:
    """Two noisy observables at five times, of two parameters; and the points."""
    unit = qmc.Sobol(2, rng=0).random(n_samples)
    time = np.arange(5.0)
    noise = np.random.default_rng(1).standard_normal((n_seeds, 5, 2))  # common to all samples
    x = unit[:, None, None, :]
    mean = np.stack([x[..., 0] * time + x[..., 1], 2 - x[..., 1] * time], axis=-1)
    slope = np.zeros((n_samples, n_seeds, 5, 2, 2))
    slope[..., 0, 0], slope[..., 0, 1], slope[..., 1, 1] = time, 1.0, -time
    place = ("sample", "seed", "time", "observable")
    at = {"sample": np.arange(n_samples), "parameter": ["a", "b"]}
    points = xr.Dataset(
        dict.fromkeys(("parameter_value", "unit_value"), (("sample", "parameter"), unit)), at
    )
    data = points[["parameter_value"]].assign(
        value=(place, mean + 0.3 * noise), gradient=((*place, "parameter"), slope)
    )
    data = data.assign_coords(
        seed=np.arange(n_seeds),
        time=("time", time, {"units": "h"}),
        observable=["f", "g"],
        observable_unit=("observable", ["um", "1"]),
        observable_description=("observable", ["first", "second"]),
        parameter_unit=("parameter", ["1", "h-1"]),
    )
    return data, points


def asked(**summaries: tuple[str, str]) -> dict[str, Any]:
    return {
        name: TimeSummary.model_validate({"of": of, "take": take})
        for name, (of, take) in summaries.items()
    }


ALL = asked(top=("f", "maximum"), area=("f", "integral"), when=("g", "time of maximum"))


def test_a_slab_has_them_as_observables_with_units() -> None:
    data, _ = slab()
    more = with_summaries(data, ALL)
    assert list(more["observable"].values) == ["f", "g", "top", "area", "when"]
    assert list(more["observable_unit"].values) == ["um", "1", "um", "um h", "h"]
    assert more["observable_description"].values[2] == "maximum over time of f"
    xr.testing.assert_identical(more.sel(observable=["f", "g"])["value"], data["value"])
    top = data["value"].sel(observable="f").max("time")
    for time in data["time"].values:
        np.testing.assert_array_equal(more["value"].sel(observable="top", time=time), top)
    assert more["gradient"].dims == data["gradient"].dims
    assert with_summaries(data, {}) is data


def test_what_is_not_finite_at_any_time_has_no_summary() -> None:
    data, _ = slab()
    data["value"][3, 2, 1, 0] = np.nan
    value = with_summaries(data, ALL)["value"]
    lost = value.sel(observable=["top", "area", "when"]).isnull()
    assert lost.sel(sample=3, seed=2).any("time").values.tolist() == [True, True, False]
    assert int(lost.sum()) == 2 * 5


def test_estimates_are_of_them_as_of_all_others_and_leave_these_as_they_are() -> None:
    data, points = slab()
    of = [Uniform(low=0.0, high=1.0)] * 2, SobolDesign(samples=32)
    alone = estimate([data], points, Question(*of))
    more = estimate([with_summaries(data, ALL)], points, Question(*of, summaries=tuple(ALL)))
    # The integral of a t + b over 0 to 4 is 8 a + 4 b.
    area = more.sel(observable="area").isel(time=0)
    np.testing.assert_allclose(area["gradient_average"], [8.0, 4.0], rtol=1e-12)
    assert more["total_bound"].sel(observable="top").notnull().all()
    # Tests are of all observables together, and so are the terms of expansions.
    together = {"gradient_unresolved", *(name for name in alone if str(name).startswith("hsic"))}
    together |= {name for name, array in alone.items() if "term" in array.dims}
    for name in set(alone.data_vars) - together:
        one, before = more[name], alone[name]
        one = one.sel(observable=["f", "g"]) if "observable" in one.dims else one
        np.testing.assert_array_equal(one.dims, before.dims, err_msg=name)
        if before.dtype.kind in "OUT":
            assert one.values.tolist() == before.values.tolist()
        else:
            np.testing.assert_allclose(one, before, rtol=1e-9, atol=1e-12, err_msg=name)
    assert "d_optimal_observable" in more and "fisher_information" in more


def test_a_summary_of_refuted_gradients_is_refuted() -> None:
    data, _ = slab()
    flags = xr.zeros_like(data["gradient"].isel(sample=0, seed=0), bool)
    flags[2, 0, 1] = True
    more = refuted_of(flags, ALL)
    assert more.sizes == {"time": 5, "observable": 5, "parameter": 2}
    assert more.sel(observable=["top", "area"], parameter="b").all()
    assert int(more.sum()) == 1 + 2 * 5


ASKED: dict[str, Any] = {
    "study": "epidemic",
    "parameters": {"beta": "default", "gamma": "default"},
    "design": {"method": "sobol", "samples": 8},
    "seeds": 1,
    "observables": ["infected"],
}


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"summaries": {"peak": {"of": "infectd", "take": "maximum"}}}, "did you mean infected"),
        ({"summaries": {"infected": {"of": "infected", "take": "maximum"}}}, "take another"),
        ({"summaries": {"peak": {"of": "infected", "take": "median"}}}, "time of maximum"),
        (
            {"summaries": {"peak": {"of": "infected", "take": "maximum"}}, "estimator": "score"},
            "take pathwise or straight-through",
        ),
    ],
)
def test_a_wrong_summary_is_refused(more: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        Run.model_validate(ASKED | more)


def test_what_only_the_study_knows_is_one_line() -> None:
    data, _ = slab()
    with pytest.raises(JaxmorphError, match=r"summaries\.top\.of = h: not an observable .*: f, g"):
        with_summaries(data, asked(top=("h", "maximum")))
    with pytest.raises(JaxmorphError, match=r"summaries\.g: the name of an observable"):
        with_summaries(data, asked(g=("f", "maximum")))
    with pytest.raises(JaxmorphError, match="records 2 times, and a summary needs 3"):
        with_summaries(data.isel(time=[0, 1]), ALL)


def test_to_add_one_changes_the_estimates_alone() -> None:
    peak = {"summaries": {"peak": {"of": "infected", "take": "maximum"}}}
    before, after = (Specifications(Run.model_validate(ASKED | more)) for more in ({}, peak))
    assert before.estimates != after.estimates
    assert before.design == after.design and before.question == after.question
    assert before.checks == after.checks and before.corners == after.corners


def test_a_run_with_a_summary_needs_no_simulation_of_one_without(tmp_path: Path) -> None:
    how: dict[str, Any] = {**ASKED, "folder": tmp_path / "run", "progress": False}
    how["checks"] = {"samples": 0}
    first = jxm.analyse(how.pop("study"), **how)
    batches = {path: path.stat().st_mtime_ns for path in (tmp_path / "run" / "batches").iterdir()}
    takes = {"peak": "maximum", "day": "time of maximum"}
    summaries = {name: {"of": "infected", "take": take} for name, take in takes.items()}
    second = jxm.analyse("epidemic", **how, summaries=summaries)
    assert batches == {p: p.stat().st_mtime_ns for p in (tmp_path / "run" / "batches").iterdir()}
    assert list(second.dataset["observable"].values) == ["infected", "peak", "day"]
    largest = first.batches["value"].sel(observable="infected").max("time").mean()
    at = second.dataset.isel(time=0).sel(observable="peak")
    np.testing.assert_allclose(at["value_average"], largest, rtol=1e-12)
    assert second.dataset["observable_unit"].sel(observable="day") == "day"
