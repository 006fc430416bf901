"""Runs, distributions and problems that other programs read, and theirs that are read here."""

import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from SALib.util import scale_samples
from scipy import stats

import jaxmorph as jxm
from jaxmorph.configuration import Run
from jaxmorph.distributions import (
    Beta,
    Discrete,
    Distribution,
    Gamma,
    LogNormal,
    LogTriangular,
    LogUniform,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
    as_distribution,
)
from jaxmorph.errors import JaxmorphError

OURS = [
    Uniform(low=-1.5, high=3.0),
    LogUniform(low=0.001, high=10.0),
    Normal(mean=-3.0, sd=0.2),
    LogNormal(median=2.0, sd_log=0.3),
    TruncatedNormal(low=0.0, high=1.0, mean=0.2, sd=0.5),
    TruncatedNormal(low=-1.0, high=9.0, mean=0.0, sd=1.0),
    Triangular(low=1.0, high=4.0, mode=1.0),
    Triangular(low=1.0, high=4.0, mode=3.5),
    LogTriangular(low=1.0, high=100.0, mode=20.0),
    Beta(low=0.0, high=1.0, alpha=0.5, beta=4.0),
    Beta(low=2.0, high=6.0, alpha=30.0, beta=2.5),
    Gamma(shape=0.4, scale=2.0),
    Gamma(shape=1e3, scale=1e-6),
]


@pytest.mark.parametrize("ours", OURS, ids=lambda d: d.distribution)
@pytest.mark.parametrize("name", ["ppf", "icdf", "inv", "computeQuantile"])
def test_what_has_our_quantiles_is_ours(ours: Distribution, name: str) -> None:
    """By the names that packages give them, as numbers, arrays and points."""
    shape = {"ppf": (), "icdf": (), "inv": (1, 1), "computeQuantile": (1,)}[name]
    theirs = SimpleNamespace(**{name: lambda p: np.reshape(ours.frozen().ppf(p), shape)})
    found = as_distribution(theirs)
    assert type(found) is type(ours)
    for key, value in ours.model_dump().items():
        near = value if key == "distribution" else pytest.approx(value, rel=1e-6)
        assert getattr(found, key) == near


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (stats.uniform(1, 2), Uniform(low=1, high=3)),
        (stats.loguniform(0.1, 10), LogUniform(low=0.1, high=10)),
        (stats.norm(3, 0.2), Normal(mean=3, sd=0.2)),
        (stats.lognorm(0.3, scale=2), LogNormal(median=2, sd_log=0.3)),
        (
            stats.truncnorm(-1, 2, loc=0.5, scale=0.3),
            TruncatedNormal(low=0.2, high=1.1, mean=0.5, sd=0.3),
        ),
        (stats.triang(0.3, 1, 4), Triangular(low=1, high=5, mode=2.2)),
        (stats.beta(2, 3, loc=1, scale=5), Beta(low=1, high=6, alpha=2, beta=3)),
        (stats.gamma(2.5, scale=3), Gamma(shape=2.5, scale=3)),
        (stats.expon(scale=2), Gamma(shape=1, scale=2)),
        (stats.chi2(4), Gamma(shape=2, scale=2)),
        (stats.randint(2, 4), Discrete(values=(2, 3), weights=(0.5, 0.5))),
        (
            stats.rv_discrete(values=([1, 4], [0.25, 0.75]))(),
            Discrete(values=(1, 4), weights=(0.25, 0.75)),
        ),
    ],
    ids=lambda d: getattr(d, "distribution", ""),
)
def test_those_of_scipy_are_taken_by_their_numbers(theirs: Any, ours: Distribution) -> None:
    assert as_distribution(theirs) == ours


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        (stats.t(4), "scipy.stats.t(4): is none of jaxmorph.distributions by its quantiles"),
        (stats.lognorm(0.3, loc=1), "scipy.stats.lognorm(0.3, loc=1): is none"),
        (stats.truncnorm(-5, 5, loc=1e3), "TruncatedNormal"),
        (stats.poisson(3), "scipy.stats.poisson(3): has more than 1000 values"),
        (stats.randint(2, 3), "has one value; give it under fixed"),
        (stats.gamma, "has no numbers yet"),
        ((0, 1), "must be one of jaxmorph.distributions"),
    ],
)
def test_what_is_none_of_ours_is_said(theirs: Any, said: str) -> None:
    """One that is cut at 5 sd is not the whole one."""
    if said == "TruncatedNormal":
        assert type(as_distribution(theirs)).__name__ == said
        return
    with pytest.raises(JaxmorphError) as error:
        as_distribution(theirs)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_they_are_taken_wherever_ours_are() -> None:
    study = jxm.study(lambda parameters: parameters["a"], parameters={"a": stats.norm(2, 1)})
    assert study.parameters[0].distribution == Normal(mean=2, sd=1)
    x = np.linspace(0.05, 0.95, 16)
    given = jxm.sensitivity.from_arrays(x[:, None], x, np.ones((16, 1)), {"x": stats.uniform(0, 1)})
    ours = jxm.sensitivity.from_arrays(x[:, None], x, np.ones((16, 1)), {"x": Uniform(low=0, high=1)})
    xr.testing.assert_identical(given, ours)


# --- SALib ---------------------------------------------------------------------------------------

PROBLEM = {
    "num_vars": 6,
    "names": ["a", "b", "c", "d", "e", "f"],
    "bounds": [[-1, 2], [0.1, 10], [3, 0.5], [0.2, 0.3], [0, 1, 0.3, 0.4], [1, 5, 0.25]],
    "dists": ["unif", "logunif", "norm", "lognorm", "truncnorm", "triang"],
    "groups": ["one", "one", "two", "d", "two", "f"],
}


def test_a_problem_of_salib_has_the_quantiles_that_salib_scales_to() -> None:
    found = jxm.from_salib(PROBLEM)
    unit = np.linspace(0.01, 0.99, 9)
    scaled = scale_samples(np.repeat(unit[:, None], 6, axis=1), dict(PROBLEM))
    for i, distribution in enumerate(found["parameters"].values()):
        np.testing.assert_allclose(distribution.ppf(unit), scaled[:, i], rtol=1e-9)
    assert found["groups"] == {"one": ["a", "b"], "two": ["c", "e"]}
    asked = {"study": "linear", "design": {"method": "sobol", "samples": 8}, "seeds": 2}
    plain = {name: d.model_dump() for name, d in found["parameters"].items()}
    assert Run.from_plain(asked | {"parameters": plain, "groups": found["groups"]}).groups


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dists": None, "bounds": [[0, 1]]}, "bounds of the problem: has 1 entries for 6 names"),
        ({"dists": ["weibull"] * 6}, "a of the problem has the distribution 'weibull': must be one of"),
        ({"bounds": [[2, 1]] * 6}, "a of the problem has the bounds [2, 1]: must be the numbers"),
        ({"names": "abcdef"}, "names of the problem is 'abcdef': must be a list"),
    ],
)
def test_a_problem_that_is_none_is_said(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(JaxmorphError) as error:
        jxm.from_salib(PROBLEM | changed)
    assert said in str(error.value)


def test_a_run_goes_to_salib_and_its_problem_comes_back(finished: Path) -> None:
    analysis = jxm.open(finished / "results/tiny")
    problem, x, y = jxm.to_salib(analysis)
    data = analysis.dataset
    assert problem["names"] == list(data["parameter"].values)
    assert x.shape == (data.sizes["sample"], problem["num_vars"])
    np.testing.assert_array_equal(y, data["mean"].transpose("sample", "time", "observable"))
    unit = np.full((1, problem["num_vars"]), 0.5)
    middle = [d.centre for d in jxm.from_salib(problem)["parameters"].values()]
    np.testing.assert_allclose(scale_samples(unit, dict(problem))[0], middle)


# --- files ---------------------------------------------------------------------------------------


def test_a_run_is_a_tree_whose_batches_are_read_when_used(finished: Path) -> None:
    analysis = jxm.open(finished / "results/tiny")
    tree = analysis.tree
    assert {"design", "sensitivity", "batches"} <= set(tree.children)
    values = []
    for batch in tree["batches"].children.values():
        assert not batch.to_dataset(inherit=False).variables["value"]._in_memory
        values.append(batch.to_dataset()["value"].values.ravel())
    together = np.sort(np.concatenate(values))
    np.testing.assert_array_equal(together, np.sort(analysis.batches["value"].values.ravel()))


def test_tables_hold_every_estimate_once(finished: Path, tmp_path: Path) -> None:
    analysis = jxm.open(finished / "results/tiny")
    data, tables = analysis.dataset, analysis.tables
    held = [name for table in tables.values() for name in table if name in data.data_vars]
    assert sorted(held) == sorted(map(str, data.data_vars))
    table = tables["time-observable-parameter"]
    row = table.iloc[-1]
    place = {dim: row[dim] for dim in ("time", "observable", "parameter")}
    assert row["total_bound"] == data["total_bound"].sel(place).item()
    files = analysis.export(tmp_path / "tables")
    assert {file.stem for file in files} == set(tables)
    read = pd.read_csv(tmp_path / "tables/time-observable-parameter.csv")
    np.testing.assert_array_equal(read["total_bound"], table["total_bound"])
    with pytest.raises(JaxmorphError, match="format = 'xlsx': must be csv or parquet"):
        analysis.export(tmp_path, "xlsx")  # type: ignore[arg-type]


def test_draws_have_the_dimensions_of_arviz(finished: Path) -> None:
    analysis = jxm.open(finished / "results/tiny")
    batches, tree = analysis.batches, analysis.to_arviz()
    draws = {name: node.to_dataset() for name, node in tree.children.items()}
    observable = str(batches["observable"].values[0])
    drawn = draws["prior_predictive"][observable]
    assert drawn.dims[:2] == ("chain", "draw")
    value = batches["value"].sel(observable=observable).transpose("seed", "sample", ...)
    np.testing.assert_array_equal(drawn.values, value.values)
    name = str(batches["parameter"].values[0])
    assert draws["prior"][name].dims == ("chain", "draw")
    assert math.isclose(
        draws["prior"][name].isel(chain=1, draw=0).item(),
        batches["parameter_value"].sel(parameter=name).isel(sample=0).item(),
    )


@pytest.mark.slow
def test_those_of_openturns_are_taken() -> None:
    """In a process of its own, which alone sees the packages of the benchmark."""
    peers = Path(__file__).parents[1] / ".bench-packages"
    code = """if True:
        import openturns as ot
        from jaxmorph.distributions import as_distribution
        for d in (ot.Uniform(1, 3), ot.LogUniform(0, 1), ot.Normal(1, 2), ot.LogNormal(0.5, 0.3),
                  ot.TruncatedNormal(0.5, 1, -1, 2), ot.Triangular(1, 2, 4), ot.Beta(2, 3, 1, 5),
                  ot.Gamma(2, 3), ot.Exponential(2)):
            print(as_distribution(d).distribution)
    """
    path = [str(peers), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        *("uniform", "log-uniform", "normal", "log-normal", "truncated-normal", "triangular"),
        *("beta", "gamma", "gamma"),
    ]
