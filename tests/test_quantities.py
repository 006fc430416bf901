"""Every number in a file says what it is: declared once, valid by the CF conventions, documented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cf_units
import numpy as np
import pytest
import xarray as xr
from compliance_checker.suite import CheckSuite
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT, synthetic, synthetic_optimisation

from jaxmorph import store
from jaxmorph.distributions import Distribution, LogUniform, Uniform
from jaxmorph.quantities import Kind, Quantity, composed, describe, described, unit_of_entry
from jaxmorph.sensitivity import quantities
from jaxmorph.sensitivity.differences import compared, comparison, differences
from jaxmorph.sensitivity.natural import natural_units
from jaxmorph.sensitivity.shared import Shared
from jaxmorph.sensitivity.tables import PAGES, with_tables
from jaxmorph.store.files import KINDS
from jaxmorph.studies import StateVariable

SYMBOLS = ("um", "h", "kg", "s-1", "N/m", "µm", "m s-2", "1", "%", "kg m2/s2")


@given(st.sampled_from(SYMBOLS), st.sampled_from(SYMBOLS), st.integers(-2, 2), st.integers(-2, 2))
def test_a_composed_unit_is_the_product_of_the_powers(first: str, second: str, m: int, n: int) -> None:
    (made,) = composed(f"observable^{m} parameter^{n}", {"observable": [first], "parameter": [second]})
    product = cf_units.Unit(first) ** m * cf_units.Unit(second) ** n
    assert cf_units.Unit(made).convert(1.0, product) == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        ("1", "1"),
        ("observable", "um"),
        ("observable^2", "um2"),
        ("observable parameter^-1", "um h-1"),
        ("observable^2 parameter^-2", "um2 h-2"),
        ("time^-1", "h-1"),
    ],
)
def test_units_are_written_as_the_conventions_write_them(rule: str, made: str) -> None:
    units = {"observable": ["um"], "parameter": ["h"], "time": ["h"]}
    assert composed(rule, units) == (made,)


def a_variable(rule: str, observable_units: list[str], parameter_units: list[str]) -> xr.DataArray:
    quantity = Quantity("x", "something", rule, ("observable", "parameter"), Kind.DERIVATIVE)
    data = xr.Dataset(
        {"x": (quantity.dims, np.ones((len(observable_units), len(parameter_units))))},
        {
            "observable_unit": ("observable", observable_units),
            "parameter_unit": ("parameter", parameter_units),
        },
    )
    return describe(data, (quantity,))["x"]


def test_a_unit_that_udunits_does_not_know_is_told_in_the_comment() -> None:
    x = a_variable("observable parameter^-1", ["kBT"], ["um"])
    assert x.attrs["units"] == "1"
    assert x.attrs["comment"] == "unit: kBT um-1"
    assert unit_of_entry(x) == "kBT um-1"


def test_units_that_differ_between_entries_are_told_entry_by_entry() -> None:
    x = a_variable("observable parameter^-1", ["um", "1"], ["h", "kg"])
    assert x.attrs["units"] == "1"
    assert x.attrs["comment"] == "unit of each entry: observable_unit parameter_unit-1"
    assert unit_of_entry(x.isel(observable=0, parameter=1)) == "um kg-1"
    assert unit_of_entry(x.isel(observable=1, parameter=0)) == "h-1"


def test_a_logarithm_has_no_unit() -> None:
    distributions: list[Distribution] = [LogUniform(low=1, high=2), Uniform(low=1, high=2)]
    assert natural_units(distributions, ["um", "h"]) == ["1", "h"]


def test_a_variable_of_other_dimensions_than_declared_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"x has the dimensions \('time',\), declared are \('sample',\)"
    ):
        describe(xr.Dataset({"x": ("time", [1.0])}), (Quantity("x", "x", "1", ("sample",)),))


@pytest.mark.parametrize("quantity", quantities(), ids=lambda q: q.name)
def test_what_is_declared_is_read_back_from_a_file(quantity: Quantity) -> None:
    shape = [2] * len(quantity.dims)
    dims = [dim.strip("[]") for dim in quantity.dims]
    data = describe(xr.Dataset({quantity.name: (dims, np.ones(shape))}), (quantity,))
    found = described(data[quantity.name])
    for field in ("long_name", "kind", "method", "label", "reading", "interval", "within", "relative"):
        assert getattr(found, field) == getattr(quantity, field), field
    for field in ("from_gradients", "ranks", "of_noise"):
        assert getattr(found, field) == getattr(quantity, field), field


def test_every_estimate_says_why_it_can_be_missing_and_how_it_is_made() -> None:
    for quantity in quantities():
        if quantity.designs not in ("", "all"):
            assert quantity.absent.startswith("needs") or quantity.dims[0] == "sample", quantity.name
        if quantity.label:
            assert quantity.method is not None, quantity.name
            assert quantity.reading, quantity.name


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_the_documentation_are_those_of_the_declarations(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert "<!-- end -->" in text
    assert with_tables(text) == text, "run python -m jaxmorph.sensitivity docs"


# What the checker of the CF conventions finds in our files, and why that stays.
EXCEPTIONS = {
    # Model time has no epoch, so it is not the time of the conventions.
    "should have standard_name='time'",
}


def complaints(path: Path) -> Iterator[str]:
    """What ``compliance-checker`` finds against a file."""
    suite = CheckSuite()
    suite.load_all_available_checkers()
    results = suite.run_all(suite.load_dataset(str(path)), ["cf:1.11"])
    found, errors = results["cf:1.11"]
    # The order of names is no order of numbers: the checker subtracts them.
    assert set(errors) <= {"check_coordinate_variables_strict_monotonicity"}
    waiting = list(found)
    while waiting:
        one = waiting.pop()
        waiting += one.children or []
        met = one.value[0] == one.value[1] if isinstance(one.value, tuple) else one.value
        if not met and not one.children:
            yield from one.msgs or []


DESCRIBED: list[Any] = [
    SimpleNamespace(name="k", unit="kBT", description="stiffness", default=1.0),
    SimpleNamespace(name="v", unit="um h-1", description="speed", default=1.0),
]
OBSERVABLES: list[Any] = [SimpleNamespace(name="x", unit="um", description="place")]
ATTRIBUTES = store.provenance("a", {"key": 0})


def a_batch() -> xr.Dataset:
    value = np.random.default_rng(0).normal(size=(2, 3, 4, 1))
    return store.batch_dataset(
        samples=np.arange(2),
        seeds=np.arange(3),
        time=np.linspace(0.0, 1.0, 4),
        time_unit="h",
        parameter_value=np.ones((2, 2)),
        parameters=DESCRIBED,
        observables=OBSERVABLES,
        value=value,
        gradient=np.stack([value, value], -1),
        attributes=ATTRIBUTES,
    )


def files() -> dict[str, xr.Dataset]:
    """A dataset of each kind of file."""
    batch = a_batch()
    states = {"position": np.ones((2, 3, 4, 5, 2))}
    about = StateVariable("position", ("cell", "space"), "um", "place of the cell")
    whole = store.with_trajectories(batch, [0, 1], [0, 1, 2], states, [about])
    points = np.ones((2, 2))
    distributions: list[Distribution] = [Uniform(low=0, high=2), LogUniform(low=0.5, high=2)]
    optimisation = synthetic_optimisation.optimisation()
    starts = [
        n for n, v in optimisation.data_vars.items() if set(v.dims) <= {"start", "step", "parameter"}
    ]
    return {
        "design": store.design_dataset(points, points / 2, DESCRIBED, distributions, ATTRIBUTES),
        "batch": whole,
        "corners": store.corners_dataset(batch, ["low", "high"]),
        "checks": checks_with_lines(batch),
        "starts": optimisation[starts],
        "optimisation": optimisation,
        "optimisation_cells": store.optimisation_cells_dataset(batch),
        "comparison": a_comparison(),
    }


def a_comparison() -> xr.Dataset:
    """Two runs of other values at the same places."""
    control = synthetic.sensitivity(n_parameters=2, n_observables=2, n_times=3, n_samples=8)
    mutant = control.copy(deep=True)
    mutant["value_average"] += 1.0
    shared = Shared.of(("control", "mutant"), control, mutant)
    pairs = {"mutant": (shared, differences(control, mutant, shared))}
    runs = {"control": compared(control), "mutant": compared(mutant)}
    return comparison(runs, pairs)


def checks_with_lines(batch: xr.Dataset) -> xr.Dataset:
    g = batch["gradient"].values
    checks = store.checks_dataset(batch, g, g, np.ones((2, 3)), np.ones((2, 3, 4)))
    sizes = {**batch.sizes, "point": 5}
    arrays = {q.name: np.ones([sizes[d] for d in q.dims]) for q in store.LINES}
    arrays |= {f"{name}_se": arrays[name] for name in ("line_mean", "line_gradient")}
    return store.with_lines(checks, arrays, {"line_estimator": "pathwise"}, "biased")


KINDS_BUT_ESTIMATES = [kind for kind in KINDS if kind != "sensitivity"]


@pytest.mark.parametrize("kind", KINDS_BUT_ESTIMATES)
def test_files_pass_the_checker_of_the_conventions_that_they_claim(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.nc"
    store.write_dataset(files()[kind].assign_attrs(ATTRIBUTES), path, kind)
    assert not [c for c in complaints(path) if not any(known in c for known in EXCEPTIONS)]


@pytest.mark.slow
@pytest.mark.parametrize("design", ["saltelli", "morris"])
def test_estimates_pass_it_too(design: str, tmp_path: Path) -> None:
    shape: dict[str, Any] = {"n_parameters": 2, "n_observables": 2, "n_times": 3, "n_samples": 8}
    data = synthetic.sensitivity(**shape, design=design)
    path = tmp_path / "sensitivity.nc"
    store.write_dataset(data.assign_attrs(ATTRIBUTES), path, "sensitivity")
    assert not [c for c in complaints(path) if not any(known in c for known in EXCEPTIONS)]
