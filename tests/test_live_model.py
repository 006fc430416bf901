"""What the page carries of an expansion, and the run that it writes of a point."""

import json
import math
from typing import Any

import numpy as np
import pytest
import yaml
from support.expanded import PARAMETERS, asked, expanded

from jaxmorph.configuration import Configuration, Run
from jaxmorph.report import live as live_module
from jaxmorph.report.live import Live, live
from jaxmorph.report.point import entry


def shown(**attributes: str) -> Live:
    found = live("notebook", expanded(alone=True).assign_attrs(attributes))
    assert found is not None
    return found


def test_the_page_has_the_numbers_of_the_file_in_few_digits() -> None:
    data, found = expanded(alone=True), shown()
    (one,) = found.document["observables"]
    assert (one["name"], one["times"], found.document["times"]) == ("radius", [0, 1, 2], [0.5, 1, 2])
    coefficient = data["expansion_coefficient"].sel(observable="radius").isel(time=slice(1, None))
    used = (coefficient != 0).any("time").values
    read = np.array(one["coefficients"]).reshape(3, -1) * one["digit"]
    size = np.abs(coefficient.values[:, used]).max()
    np.testing.assert_allclose(read, coefficient.values[:, used], rtol=0, atol=1e-10 * size)
    degrees = data["expansion_degree"].values[used]
    assert [dict(map(tuple, term)) for term in one["terms"]] == [
        {p: k for p, k in enumerate(row) if k} for row in degrees
    ]
    assert found.noisy
    assert len(json.dumps(found.document)) < 12_000


def test_sliders_span_the_design() -> None:
    growth, uniform, normal, truncated = shown().document["parameters"]
    assert (growth["low"], growth["high"], growth["log"]) == (0.0025, 0.01, True)
    assert growth["centre"] == pytest.approx(0.005)
    assert (uniform["low"], uniform["high"], uniform["name"]) == (-1, 3, '<b>"a": {k}</b>')
    assert (normal["high"] - 5) / 2 == pytest.approx(1.6449, abs=1e-3), "95 % of one without ends"
    assert (truncated["low"], truncated["high"]) == (0, 1)


def test_of_many_times_evenly_spaced_ones_are_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "_MOST_TIMES", 2)
    found = shown()
    assert found.document["times"] == [0.5, 2.0] and found.left_out == 1
    assert found.document["observables"][0]["times"] == [0, 1]


def test_what_is_withheld_is_told_with_the_share_that_was_predicted() -> None:
    told = shown().not_offered
    assert told.startswith("Not offered: radius at 1 of 4 times and smooth jump (Q² at most 0.")
    whole = expanded(alone=True).sel(observable=["radius"]).isel(time=[1, 2, 3])
    found = live("notebook", whole)
    assert found is not None and found.not_offered == ""


@pytest.mark.parametrize(
    "attributes", [{}, {"correlations": '[{"between": ["a", "b"], "coefficient": 0.5}]'}]
)
def test_there_is_no_model_without_an_expansion_or_of_correlated_parameters(
    attributes: dict[str, str],
) -> None:
    data = expanded(alone=True).assign_attrs(attributes)
    assert live("notebook", data if attributes else data.drop_vars("expansion_coefficient")) is None


def written(settings: dict[str, Any], point: dict[str, float]) -> Run:
    data = expanded(alone=True).assign_attrs(configuration=json.dumps(settings))
    found = entry("a-run", data, list(point))
    assert found is not None
    numbers = ", ".join(f"{key}: {x!r}" for key, x in zip(found["keys"], point.values(), strict=True))
    text = f"{found['before']}{{{numbers}}}{found['after']}"
    (name, run), *others = Configuration.model_validate(yaml.safe_load(text)).runs.items()
    assert name == found["name"] == "a-run-point" and not others
    return run


POINT = {name: float(d.centre) for name, d in PARAMETERS.items()}


def test_a_point_is_a_run_with_all_keys_of_the_run_of_the_page() -> None:
    run = written(asked().plain(), POINT)
    of_its_own = {"design", "optimise", "allow_partial", "batch", "trajectories"}
    assert run.plain(without=of_its_own) == asked().plain(without=of_its_own)
    assert run.design.model_dump() == {"method": "list", "points": (POINT,)}
    assert (run.trajectories.samples, run.trajectories.seeds) == ((0,), (7,))


@pytest.mark.parametrize("method", ["latin-hypercube", "saltelli"])
def test_of_any_design_that_has_an_expansion(method: str) -> None:
    settings = asked().plain() | {"design": {"method": method, "samples": 64}, "optimise": None}
    settings["trajectories"] = {"samples": [], "seeds": [0]}
    assert written(settings, POINT).trajectories.samples == ()


@pytest.mark.parametrize("configuration", ["", '{"study": "given:Mine_12345678"}'])
def test_of_what_no_configuration_names_there_is_no_entry(configuration: str) -> None:
    data = expanded(alone=True).assign_attrs(configuration=configuration)
    assert entry("a", data, list(POINT)) is None


def test_digits_end_below_the_largest_coefficient() -> None:
    values = np.array([[1e9, 0.02, -0.5e-7]])
    assert math.isclose(live_module._unit_of_last_digit(values, 11), 1e-13)
    assert live_module._unit_of_last_digit(np.zeros((1, 3)), 11) == 1.0
