"""The choice of records to measure, against closed forms and against all choices that there are."""

import itertools

import numpy as np
import pytest
import xarray as xr

from jaxmorph.distributions import Uniform
from jaxmorph.figures import draw
from jaxmorph.report.measuring import measuring
from jaxmorph.sensitivity import Estimates, Question, Samples, Slab, from_arrays
from jaxmorph.sensitivity.greedy_design import (
    Criterion,
    RecordSet,
    a_criterion,
    average,
    choose,
    d_criterion,
    together,
)
from jaxmorph.sensitivity.measurements import Measurements
from jaxmorph.sensitivity.record_noise import noise_of_records

TIMES = np.linspace(0, 5, 101)


def records(slope: np.ndarray, covariance: np.ndarray) -> RecordSet:
    """Of exact slopes (record, parameter): one sample, three seeds that agree."""
    each = np.repeat(slope[:, None, None], 3, axis=2)
    return RecordSet(covariance, each, np.ones(1), np.eye(slope.shape[1]))


def singles(n: int) -> np.ndarray:
    return np.arange(n)[:, None]


@pytest.mark.parametrize("k", [0.5, 1.0, 2.0])
def test_a_decay_is_measured_at_its_start_and_at_its_mean_life(k: float) -> None:
    """Box and Lucas, Biometrika 46 (1959): y = a exp(-k t) at 1 / k for k, at 0 and 1 / k for both."""
    decay = np.exp(-k * TIMES)
    noise = 1e-6 * np.eye(len(TIMES))
    of_k = records((-TIMES * decay)[:, None], noise)
    for criterion in (d_criterion, a_criterion):
        assert TIMES[choose(of_k, singles(101), criterion, 1).groups] == pytest.approx([1 / k])
    both = records(np.stack([decay, -TIMES * decay], axis=1), noise)
    assert TIMES[choose(both, singles(101), d_criterion, 2).groups] == pytest.approx([0, 1 / k])


def random(rng: np.random.Generator, correlated: bool) -> RecordSet:
    root = rng.standard_normal((9, 9))
    covariance = root @ root.T / 9 + np.eye(9) if correlated else np.diag(rng.uniform(0.5, 2, 9))
    return records(2 * rng.standard_normal((9, 3)), covariance)


@pytest.mark.parametrize("criterion", [d_criterion, a_criterion])
@pytest.mark.parametrize("correlated", [False, True])
def test_one_after_another_is_nearly_the_best_of_all_choices(
    criterion: Criterion, correlated: bool
) -> None:
    """At least 1 - 1/e of the best gain of D if noise is independent; here 0.9 in all cases."""
    rng = np.random.default_rng(4)
    for _ in range(4):
        one = random(rng, correlated)

        def gain(rows: tuple[int, ...] | list[int], one: RecordSet = one) -> float:
            told = average(together(one, np.array(rows)), one.weight)
            return float(criterion(one.prior + told) - criterion(one.prior))

        best = max(gain(some) for some in itertools.combinations(range(9), 3))
        assert 0.9 * best <= gain(choose(one, singles(9), criterion, 3).groups) <= best * (1 + 1e-9)


def test_what_is_told_is_that_of_the_whole_matrix() -> None:
    one = random(np.random.default_rng(5), True)
    slope = one.slope[:, 0, 0]
    groups = np.array([[0, 1, 2], [3, 4, -1], [5, 6, 7]])
    made = choose(one, groups, d_criterion, 3)
    rows = np.concatenate([groups[g][groups[g] >= 0] for g in made.groups])
    exact = slope[rows].T @ np.linalg.solve(one.covariance[np.ix_(rows, rows)], slope[rows])
    np.testing.assert_allclose(made.told[-1, 0], exact, rtol=1e-9)
    np.testing.assert_allclose(together(one, rows)[0], exact, rtol=1e-9)


def test_a_copy_of_a_record_tells_nothing() -> None:
    slope = np.array([[1.0], [1.0], [0.1]])
    covariance = np.array([[1.0, 1.0, 0], [1.0, 1.0, 0], [0, 0, 1.0]])
    assert choose(records(slope, covariance), singles(3), d_criterion, 3).groups == [0, 2]


def test_noise_of_slopes_adds_nothing_on_average() -> None:
    rng = np.random.default_rng(6)
    slope = np.array([1.0, 0.0])[:, None, None, None] + rng.standard_normal((2, 4000, 4, 1))
    told = together(RecordSet(np.eye(2), slope, np.full(4000, 1 / 4000), np.eye(1)), np.arange(2))
    assert average(told, np.full(4000, 1 / 4000)).item() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_noise_that_records_share_is_found(shared: float) -> None:
    """An offset of each seed, the same at all samples; information on a shift: 1' C^-1 1."""
    rng = np.random.default_rng(7)
    value = shared**0.5 * rng.standard_normal((1, 200, 1)) + (1 - shared) ** 0.5 * rng.standard_normal(
        (6, 200, 10)
    )
    place = np.stack([np.arange(10), np.zeros(10, int)], axis=1)
    found = noise_of_records(value, np.ones((6, 8, 10, 1)), place)
    assert found is not None
    exact = np.ones(10) @ np.linalg.solve(shared + (1 - shared) * np.eye(10), np.ones(10))
    told = np.ones(10) @ np.linalg.solve(found.covariance, np.ones(10)) / found.overdispersion[0]
    assert told == pytest.approx(exact, rel=0.25)
    assert found.shrinkage == 1.0 if shared == 0 else found.shrinkage < 0.1
    assert found.overdispersion[0] < 1.4


def decay(
    samples: int = 16, seeds: int = 16, size: float = 1e-3
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """y = exp(-k t) near k = 1, and a second observable that k leaves alone."""
    rng = np.random.default_rng(8)
    time = np.linspace(0, 4, 21)
    k = rng.uniform(0.9, 1.1, (samples, 1))
    mean = np.exp(-k * time)[:, None, :, None] * [1.0, 0.0]
    value = mean + size * rng.standard_normal((samples, seeds, 21, 2))
    gradient = -time[:, None] * mean + 0 * value
    return k, value, gradient[..., None], time


def alone(
    k: np.ndarray, value: np.ndarray, gradient: np.ndarray, time: np.ndarray, found: Estimates
) -> tuple[Estimates, dict[str, str]]:
    """This estimator alone."""
    dims = ("sample", "seed", "time", "observable")
    at = {"sample": np.arange(len(k)), "time": time, "observable": ["y", "other"], "parameter": ["k"]}
    points = xr.Dataset(
        dict.fromkeys(("parameter_value", "unit_value"), (("sample", "parameter"), k)),
        {name: at[name] for name in ("sample", "parameter")},
    )
    one = Measurements(Samples(points, Question([Uniform(low=0.9, high=1.1)]), None))
    v = xr.DataArray(value, {n: at[n] for n in ("sample", "time", "observable")}, dims)
    g = xr.DataArray(gradient * 0.2 / 12**0.5, at, (*dims, "parameter"))
    one.add(Slab(v, g, g, points["parameter_value"], v.notnull(), None, xr.Dataset(), xr.Dataset()))
    return one.finish(found), one.absent


def test_of_a_run_it_is_the_record_that_tells() -> None:
    k, value, gradient, time = decay()
    made, _ = alone(k, value, gradient, time, {})
    assert made["d_optimal_time"].values[0] == pytest.approx(1.0, abs=0.2)
    assert set(made["d_optimal_observable"].values[:3]) == {"y"}
    assert made["record_count"] == 42
    share, low, high, other = (
        made[f"d_optimal_share{end}"].values for end in ("", "_low", "_high", "_left_out")
    )
    n = int(np.isfinite(share).sum())
    assert (np.diff(share[:n]) > 0).all() and (low <= share)[:n].all() and (share <= high)[:n].all()
    np.testing.assert_allclose(other[:n], share[:n], atol=0.05)
    # Of one parameter and independent records: ln(1 + sum of squares) up to the noise of C.
    exact = np.log1p((0.2 / 12**0.5 / 1e-3 * np.sort(time * np.exp(-time))[::-1]) ** 2)
    whole = np.log1p(((0.2 / 12**0.5 / 1e-3 * time * np.exp(-time)) ** 2).sum())
    assert share[0] == pytest.approx(exact[0] / whole, abs=0.03)


def test_simulations_that_failed_and_samples_without_gradients_cost_themselves() -> None:
    k, value, gradient, time = decay()
    whole, _ = alone(k, value, gradient, time, {})
    value[3, 5] = np.nan
    gradient[3, 5] = np.nan
    value[4], gradient[4] = np.nan, np.nan
    made, _ = alone(k, value, gradient, time, {})
    assert abs(made["d_optimal_share"][0] - whole["d_optimal_share"][0]) < 0.02


def test_gradients_that_miss_something_choose_nothing() -> None:
    k, value, gradient, time = decay()
    at = {"time": time, "observable": ["y", "other"]}
    somewhere = xr.DataArray(np.zeros((21, 2), bool), at, tuple(at))
    somewhere[3, 0] = True
    pairs = somewhere.expand_dims(parameter=["k"], axis=2)
    found = {"some_gradient_incomplete": somewhere, "gradient_incomplete": pairs}
    made, why = alone(k, value, gradient, time, found)
    assert not made and why["d_optimal_share"].startswith("needs complete gradients, and those of y")


def test_of_a_run_without_enough_seeds_the_reason_is_told() -> None:
    assert not alone(*decay(8, 4), {})[0]
    why = {quantity.name: quantity.absent for quantity in Measurements.quantities}
    assert "8 or more seeds" in why["d_optimal_share"]
    assert measuring(xr.Dataset()) == ""


def test_the_figure_and_the_sentence_name_the_records() -> None:
    k, value, gradient, _ = decay(8, 8)
    some = slice(None, None, 5)  # times 0, 1, 2, 3, 4
    data = from_arrays(
        k, value[:, :, some], gradient[:, :, some], {"k": Uniform(low=0.9, high=1.1)},
        observables=["y", "other"],
    )  # fmt: skip
    sentence = measuring(data)
    assert sentence.startswith("Best measured: y at 1") and "of what all 10 do" in sentence
    figure, table = draw("measurements", data)
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows[0] == "1  y, 1"
    assert list(table["record"]) == list(data["record"].values)
    assert data["d_optimal_time"].attrs["units"] == data["time"].attrs["units"]
