"""Findings over time say what courses of known answers do, and nothing that intervals leave open."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy import stats
from support import synthetic

from jaxmorph.report import findings_of, methods
from jaxmorph.report.over_time import over_time, told_over_time

TIMES = np.arange(0.0, 101.0, 5.0)
# At 21 times and 15 degrees of freedom an interval is widened by so much.
WIDER = stats.t.isf(0.025 / TIMES.size, 15) / stats.t.isf(0.025, 15)


def course(value: Any, half: Any, unit: str = "day", n_seeds: int = 16, **more: Any) -> xr.Dataset:
    """The mean gradient of one observable by one parameter over time, with half an interval."""
    value = np.asarray(value, float)
    half = np.broadcast_to(np.asarray(half, float), value.shape)
    dims = ("time", "observable", "parameter")
    data = xr.Dataset(
        {
            "gradient_average": (dims, value[:, None, None]),
            "gradient_average_low": (dims, (value - half)[:, None, None]),
            "gradient_average_high": (dims, (value + half)[:, None, None]),
            **{name: (dims, np.asarray(x, float)[:, None, None]) for name, x in more.items()},
        },
        {
            "time": ("time", TIMES, {"units": unit}),
            "observable": ["infected"],
            "parameter": ["beta"],
            "seed": np.arange(n_seeds),
        },
    )
    return synthetic.declared(data)


def sentences(data: xr.Dataset) -> list[str]:
    return [finding.sentence for finding in over_time(data)]


def test_a_change_of_direction_is_told_with_the_times_at_which_both_sides_are_sure() -> None:
    # 1 at first, -1 in the end, through 0 at day 50; half a widened interval is 0.3.
    data = course((50 - TIMES) / 50, 0.3 / WIDER)
    assert sentences(data) == ["beta raises infected until day 30 and lowers it from day 70 on."]
    assert over_time(data)[0].turns


def test_a_change_that_one_side_does_not_exclude_is_not_told() -> None:
    assert sentences(course((80 - TIMES) / 80, 0.3 / WIDER)) == []
    # Each interval by itself would: at 21 times one of them does so by chance.
    value = np.where(TIMES == 100, -0.1, 1.0)
    assert sentences(course(value, 0.1 * 0.99)) == []


def test_a_peak_is_told_with_the_times_that_cannot_be_told_from_it() -> None:
    bump = np.exp(-(((TIMES - 40) / 15) ** 2))
    gone = "and less than a tenth of that from day 65 on"
    told = f"The effect of beta on infected is largest at day 40, {gone}."
    assert sentences(course(bump, 0.01 / WIDER)) == [told]
    # exp(-1/9) = 0.89, so that half intervals of 0.07 overlap at 35 and 45, and not at 30 and 50 (0.64).
    wide = sentences(course(bump, 0.07 / WIDER))
    assert wide == ["The effect of beta on infected is largest between day 35 and day 45, "
                    "and less than a tenth of that from day 70 on."]  # fmt: skip


def test_a_maximum_at_an_end_or_one_of_noise_is_no_peak() -> None:
    assert sentences(course(TIMES / 100 + 0.5, 0.01)) == []
    rng = np.random.default_rng(0)
    assert sentences(course(1 + 0.1 * rng.standard_normal(TIMES.size), 0.2)) == []


def test_what_matters_early_and_not_late() -> None:
    told = sentences(course(np.exp(-TIMES / 10), 0.002 / WIDER))
    assert told == [
        "The effect of beta on infected is largest at the beginning, and less than a tenth of that "
        "from day 25 on."
    ]
    late = sentences(course(np.exp((TIMES - 100) / 10), 0.002 / WIDER))
    assert late == [
        "The effect of beta on infected comes late: until day 75 it is less than a tenth of what it "
        "becomes."
    ]


def test_zero_at_the_start_is_no_interval_and_hides_nothing() -> None:
    value, half = np.sin(np.pi * TIMES / 60), np.where(TIMES == 0, 0.0, 0.1 / WIDER)
    (told,) = sentences(course(value, half, unit="h"))
    assert told.startswith("beta raises infected until 55 h and lowers it from 65 h on")


def test_times_without_a_unit_are_called_times() -> None:
    (told,) = sentences(course((50 - TIMES) / 50, 0.3 / WIDER, unit="1"))
    assert told == "beta raises infected until time 30 and lowers it from time 70 on."


def test_directions_that_change_often_are_counted() -> None:
    (told,) = sentences(course(np.cos(np.pi * TIMES / 20), 0.01))
    assert told.startswith("beta changes the direction in which it moves infected 5 times")


def test_an_elasticity_that_says_the_opposite_silences_a_direction() -> None:
    value = (50 - TIMES) / 50
    up: dict[str, Any] = {"elasticity_average": np.ones(21), "elasticity_average_low": np.full(21, 0.9)}
    data = course(value, 0.3 / WIDER, **up, elasticity_average_high=np.full(21, 1.1))
    data["value_average"] = (("time", "observable"), np.ones((21, 1)))
    data["mean"] = (("sample", "time", "observable"), np.ones((2, 21, 1)))
    data["parameter_value"] = (("sample", "parameter"), [[1.0], [2.0]])
    assert sentences(data) == []
    data["elasticity_average_low"] *= -1
    assert len(sentences(data)) == 1


def test_gradients_that_are_not_to_be_trusted_or_without_interval_say_nothing() -> None:
    data = course((50 - TIMES) / 50, 0.3 / WIDER)
    flagged = data.assign(gradient_unreliable=(("observable", "parameter"), [[True]]))
    bare = data.drop_vars(["gradient_average_low", "gradient_average_high"])
    assert sentences(flagged) == sentences(bare) == []
    assert sentences(data.isel(time=[0, -1])) == []
    assert len(sentences(bare.assign_attrs(stochastic=0))) == 1, "without noise it is exact"


def test_few_seeds_widen_more() -> None:
    value = (50 - TIMES) / 50
    assert sentences(course(value, 0.1, n_seeds=2)) == []
    assert len(sentences(course(value, 0.1, n_seeds=16))) == 1


def test_the_report_tells_those_that_turn_first_and_how_it_was_done() -> None:
    turning = course((50 - TIMES) / 50, 0.3 / WIDER).assign_coords(observable=["recovered"])
    peak = course(np.exp(-(((TIMES - 40) / 15) ** 2)), 0.01)
    both = xr.concat([peak, turning], "observable", data_vars="all")
    told = told_over_time(both)
    assert [text.split()[0] for text in told] == ["beta", "The"]
    assert told_over_time(both, most=0)[-1].startswith("2 more such findings")
    assert "Findings over time" in [one.title for one in methods.shown(both)]
    assert "Findings over time" not in [one.title for one in methods.shown(peak.isel(time=[0, 1]))]


def test_noise_alone_is_seldom_given_out_for_a_finding() -> None:
    """At a level of 5 % for all times together, at most about one of 20 runs of noise is told from 0."""
    rng = np.random.default_rng(0)
    told = []
    for draws in rng.standard_normal((20, 16, TIMES.size)):
        half = stats.t.isf(0.025, 15) * draws.std(0, ddof=1) / 4
        told += over_time(course(draws.mean(0), half))
    assert len(told) <= 1


def test_findings_of_a_run_have_them() -> None:
    data = synthetic.sensitivity(n_parameters=1, n_observables=1, n_times=11, n_seeds=16)
    value = np.linspace(1, -1, 11)[:, None, None]
    for end, off in (("", 0.0), ("_low", -0.1), ("_high", 0.1)):
        data[f"gradient_average{end}"][:] = value + off
    data = data.drop_vars([name for name in data if str(name).startswith("elasticity")])
    assert any(" and lowers it from " in line for line in findings_of(data))
