"""Indices at equal cost: the truths, what is read off an error curve, a miniature of the benchmark."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from support.shares import cases

from benchmarks.indices import truth
from benchmarks.indices.__main__ import run
from benchmarks.indices.functions import Function, Ishigami, Morris, PredatorPrey, SobolG
from benchmarks.indices.others import salib_points
from benchmarks.indices.output import reached, summary
from benchmarks.indices.plan import Plan
from benchmarks.indices.process import HERE, Other
from benchmarks.indices.times import outputs

FUNCTIONS: dict[str, Function] = {"ishigami": Ishigami(), "g": SobolG(), "morris": Morris()}


@dataclasses.dataclass
class Evaluated:
    """What a truth is found from, without the engine."""

    function: Function
    stochastic: bool = False

    @property
    def dimension(self) -> int:
        return len(self.function.parameters)

    def values(self, unit: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        with jax.enable_x64(True):
            one = jax.jit(jax.vmap(self.function.value))(jnp.asarray(unit))
        return np.repeat(np.asarray(one)[:, None], len(seeds), axis=1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_closed_forms_are_those_of_the_functions(name: str) -> None:
    """Against Saltelli designs of the function as it is evaluated, within what these can tell."""
    true = truth.known(name)
    found = truth.by_pairs(Evaluated(FUNCTIONS[name]), blocks=64, base=64)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.indices, true.indices, atol=5 * found.error)
    assert found.error < 0.03
    assert found.sd == pytest.approx(true.sd, rel=0.03)
    assert FUNCTIONS[name].sd == pytest.approx(true.sd, rel=1e-3)
    assert truth.known(f"{name}-noise") == true


def test_a_grid_gives_a_smooth_function_to_round_off() -> None:
    found = truth.by_quadrature(Evaluated(Ishigami()), 24, 20)  # type: ignore[arg-type]
    assert found.error < 1e-6
    np.testing.assert_allclose(found.indices, truth.ishigami().indices, atol=1e-9)
    np.testing.assert_allclose(found.indices, cases()["ishigami"].parts[:6], atol=1e-9)


def test_truths_on_file_say_how_they_were_found() -> None:
    for name in ("ode", "ode-noise", "reference", "reference-noise"):
        found = truth.known(name)
        assert found.how and found.error < 0.02
        assert (found.indices > -3 * found.error - 1e-3).all()
        assert (np.array(found.first) <= np.array(found.total) + 0.02).all()
    assert PredatorPrey.sd == pytest.approx(truth.known("ode").sd, rel=0.01)


def test_noise_averages_out_over_seeds() -> None:
    study, x = (
        Ishigami(noise=0.5),
        dict(zip(("x1", "x2", "x3"), jnp.array([0.2, 0.7, 0.9]), strict=True)),
    )
    keys = jax.random.split(jax.random.key(0), 4096)
    values = jax.jit(jax.vmap(lambda key: study.simulate(x, key).observables["f"][0]))(keys)
    f = float(study.value(jnp.array(list(x.values()))))
    assert float(values.std()) == pytest.approx(0.5 * Ishigami.sd, rel=0.05)
    assert float(values.mean()) == pytest.approx(f, abs=4 * 0.5 * Ishigami.sd / 4096**0.5)


def curve(costs: list[float], errors: list[float], method: str = "salib") -> pd.DataFrame:
    return pd.DataFrame(
        {"case": "ishigami", "parameters": 3, "method": method, "samples": costs, "cost": costs}
        | {"error": errors, "price": 1.0, "q2": 1.0}
    )


def test_a_cost_is_read_off_between_designs_and_not_beyond_them() -> None:
    part = curve([10.0, 1000.0, 4000.0], [np.inf, 0.1, 0.01])
    for error, cost in ((0.01, 4000), (0.1 / 10**0.5, 2000)):
        found, sign = reached(part, error)
        assert found == pytest.approx(cost) and not sign
    assert reached(part, 0.009) == (4000, ">")
    assert reached(part, 0.2) == (1000, "<")
    assert reached(part[1:], 0.2) == (1000, "<")


@pytest.mark.parametrize(
    ("needs", "said"), [(641.0, "yes"), (639.0, "no"), (100.0, "no")], ids=["ten", "less", "little"]
)
def test_a_tenth_is_claimed_where_it_was_measured(needs: float, said: str) -> None:
    ours = curve([64.0], [0.01], "gradients")
    table = summary(pd.concat([ours, curve([50.0, needs], [0.1, 0.01])]))
    assert table["a tenth?"].tolist() == [said]
    table = summary(pd.concat([ours, curve([50.0, 100.0], [0.1, 0.02])]))
    assert table["a tenth?"].tolist() == ["not known"]


def test_outputs_that_are_timed_have_their_own_slopes() -> None:
    unit, step = np.random.default_rng(1).uniform(size=(3, 5)), 1e-6
    value, slope = outputs(unit, 4, 2)
    for i in range(5):
        moved, _ = outputs(unit + step * np.eye(5)[i], 4, 2)
        np.testing.assert_allclose((moved - value) / step / 12**0.5, slope[i], atol=1e-5)
    assert value.shape == (3, 4, 2)


def test_a_smaller_design_is_the_first_rows_of_a_larger_one() -> None:
    np.testing.assert_array_equal(salib_points(3, 32, 5)[:80], salib_points(3, 16, 5))


def test_a_package_that_no_python_has_is_left_out() -> None:
    with Other("no_such_package", pythons=(HERE,)) as other:
        assert other.version == ""


@pytest.mark.slow
def test_the_comparison_in_miniature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.indices.__main__.PACKAGES", ("salib", "openturns"))
    small = Plan(
        cases=("ishigami", "ishigami-noise"),
        repetitions=2,
        seeds=4,
        samples=(64,),
        rows=400,
        priced=64,
        times=2,
        observables=2,
        base=32,
        rounds=1,
    )
    run(small, tmp_path)
    run(dataclasses.replace(small, cases=("ishigami",)), tmp_path, ["errors"])  # the other stays
    errors = pd.read_csv(tmp_path / "errors.csv")
    assert list(errors["case"].unique()) == list(small.cases)
    medians = errors.groupby(["case", "method", "samples"])["error"].median()
    assert medians["ishigami", "gradients", 64] < 1e-3
    assert medians["ishigami", "salib", 320] > 0.02
    assert medians["ishigami-noise", "gradients", 64] < medians["ishigami-noise", "salib", 320]
    if (HERE.packages / "openturns").exists():
        assert medians["ishigami", "openturns", 64] < 0.02
    times = pd.read_csv(tmp_path / "times.csv")
    assert {"jaxmorph", "SALib"} <= set(times["program"]) and (times["ms"] > 0).all()
    page = (tmp_path / "README.md").read_text()
    assert "| Ishigami, 3 parameters, with noise |" in page and "## Time of the estimates" in page
    assert (tmp_path / "errors.svg").exists() and (tmp_path / "times.json").exists()
