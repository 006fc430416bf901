"""Groups of parameters: what designs move together, and indices of groups."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from SALib.analyze import morris as salib_morris
from SALib.analyze import sobol as salib_sobol
from SALib.sample import morris as trajectories
from SALib.sample import sobol as saltelli
from scipy.stats import qmc
from support.arrangement import check_arrangement
from support.shares import common_noise, product

from jaxmorph.configuration import Run
from jaxmorph.configuration.specify import Specifications
from jaxmorph.designs import (
    Design,
    MorrisDesign,
    SaltelliDesign,
    SobolDesign,
    count_samples,
    make_design,
    named_parts,
    shortest_design,
    unit_size,
)
from jaxmorph.distributions import Normal, Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import draw
from jaxmorph.sensitivity import from_arrays, sobol_indices
from jaxmorph.sensitivity.groups import of_any, of_groups
from jaxmorph.sensitivity.morris import morris, of_parts

UNIFORM = {name: Uniform(low=0, high=1) for name in ("p0", "p1", "p2")}
GROUPS = {"outer": ["p2", "p0"]}
LABELS = ["outer", "p1", "outer"]


def found(unit: np.ndarray, f: np.ndarray, g: np.ndarray, **known: Any) -> xr.Dataset:
    return from_arrays(unit, f, g, UNIFORM, groups=GROUPS, **known)


def covers(data: xr.Dataset, name: str, truth: np.ndarray | float) -> None:
    low, high = (data[name + end].values[0, 0] for end in ("_low", "_high"))
    assert ((low <= truth) & (truth <= high)).all(), (name, low, truth, high)


def test_parts_are_groups_and_single_parameters_in_the_order_of_parameters() -> None:
    assert named_parts(["a", "b", "c", "d"], {"y": ["d", "b"], "x": ["c"]}) == {
        "a": ("a",),
        "y": ("b", "d"),
        "x": ("c",),
    }


@pytest.mark.parametrize("design", [SaltelliDesign(samples=8), MorrisDesign(trajectories=8)])
def test_a_design_moves_a_group_at_once_and_grows(design: Design) -> None:
    distributions = UNIFORM | {"p2": Normal(mean=0, sd=1)}
    groups, names = GROUPS.values(), list(UNIFORM)
    size = {"saltelli": 4, "morris": 3}[design.method]
    assert unit_size(design, names, groups) == size
    assert count_samples(design, names, groups) == 8 * size
    _, unit = make_design(design, distributions, groups=groups)
    rows = unit.reshape(8, size, 3)
    if design.method == "saltelli":
        moved = rows[:, 1:3] != rows[:, :1]
        assert (moved == [[True, False, True], [False, True, False]]).all()
    else:
        moved = np.diff(rows, axis=1) != 0
        assert (moved[..., 0] == moved[..., 2]).all() and (moved.sum(axis=1) == 1).all()
    shorter = shortest_design(design, names, 3 * size, groups)
    first = make_design(shorter, distributions, groups=groups)[1]
    np.testing.assert_array_equal(first, unit[: len(first)])
    assert 3 * size <= len(first) < len(unit)


def test_what_a_design_moves_alone_decides_its_batches_and_groups_only_where_they_move() -> None:
    def batch(method: str, groups: dict[str, list[str]]) -> str:
        run = {
            "study": "ishigami",
            "parameters": dict.fromkeys(("x1", "x2", "x3"), "default"),
            "design": {"method": method},
            "groups": groups,
        }
        made = Specifications(Run.model_validate(run))
        return str(made.batch("000-000").plain()) + made.question

    pair = {"a": ["x1", "x3"]}
    for method in ("saltelli", "morris"):
        assert batch(method, pair) != batch(method, {})
        assert batch(method, pair) == batch(method, {"b": ["x3", "x1"], "c": ["x2"]})
    assert batch("sobol", pair) == batch("sobol", {})


def test_groups_of_a_saltelli_design_are_those_of_salib() -> None:
    bounds = [[-np.pi, np.pi]] * 3
    problem = {"num_vars": 3, "names": list(UNIFORM), "bounds": bounds, "groups": LABELS}
    x = saltelli.sample(problem, 128, calc_second_order=False, seed=3)
    y = 7 + np.sin(x[:, 0]) + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]) + x[:, 1] * x[:, 0]
    reference = salib_sobol.analyze(problem, y, calc_second_order=False)
    value = xr.DataArray(y[:, None, None, None], dims=("sample", "seed", "time", "observable"))
    names = {"sobol_first": "sobol_closed", "sobol_total": "sobol_total_of_group"}
    result = of_groups(sobol_indices(value, ["outer", "p1"], stochastic=False), names)
    np.testing.assert_allclose(result["sobol_closed"][0, 0], reference["S1"], atol=1e-10)
    np.testing.assert_allclose(result["sobol_total_of_group"][0, 0], reference["ST"], atol=1e-10)
    assert set(result) >= {"sobol_closed_low", "sobol_closed_by_samples", "simulations_used"}
    assert all("parameter" not in array.dims for array in result.values())


V = np.array([1.0, 0.7, 0.4]) ** 2
WHOLE = np.prod(1 + V) - 1
GROUP = (1 + V[0]) * (1 + V[2]) - 1
CLOSED = np.array([GROUP, V[1]]) / WHOLE
WHOLE_WITHOUT = np.prod(1 + V) / (1 + V)
TOTAL = np.array([GROUP * (1 + V[1]), V[1] * (1 + GROUP)]) / WHOLE
"""Of a product of factors of variance v_i: over some, the product of 1 + v_i is their variance and 1."""


def test_groups_of_a_saltelli_design_by_rows_and_by_an_expansion() -> None:
    """Indices of parameters are then the expansion's alone, and have their plain names."""
    design = SaltelliDesign(samples=8)
    unit = make_design(design, UNIFORM, groups=GROUPS.values())[1]
    f, g = common_noise(*product(unit), unit, 6, 0.1, np.random.default_rng(0))
    data = found(unit, f, g, design=design)
    assert list(data["group"].values) == ["outer", "p1"]
    assert list(data["parameter_group"].values) == LABELS
    for name, truth in [("closed", CLOSED), ("total_of_group", TOTAL)]:
        covers(data, f"sobol_{name}", truth)
        covers(data, f"expansion_{name}", truth)
    covers(data, "sobol_total", V * WHOLE_WITHOUT / WHOLE)
    assert not {"expansion_total", "sobol_total_with_noise", "sobol_closed_of_pair"} & set(data)
    assert "sobol_noise_first" in data
    for name in ("sobol_closed", "total_bound_of_group"):
        assert data[f"{name}_by_samples"].dims == ("n_samples", "time", "observable", "group")
    figure, table = draw("groups", data)
    check_arrangement(figure)
    assert list(table["group"]) == ["outer", "p1"]
    np.testing.assert_array_equal(table["sobol_closed"], data["sobol_closed"].values.ravel())
    check_arrangement(draw("convergence", data)[0])


def test_groups_of_any_random_design_are_those_of_the_expansion() -> None:
    unit = qmc.LatinHypercube(3, rng=1).random(48)
    data = found(unit, *product(unit))
    np.testing.assert_allclose(data["sobol_closed"][0, 0], CLOSED, atol=2e-3)
    np.testing.assert_allclose(data["sobol_total_of_group"][0, 0], TOTAL, atol=2e-3)
    bound = data["total_bound"].values[0, 0]
    np.testing.assert_allclose(data["total_bound_of_group"][0, 0], [bound[0] + bound[2], bound[1]])
    assert (data["total_bound_of_group"] > TOTAL).all()


def test_a_group_is_withheld_where_the_gradient_of_one_of_its_parameters_is() -> None:
    names = ["a", "b", "c"]
    flags = xr.DataArray([[0, 0, 1], [0, 1, 0]], {"parameter": names}, ("time", "parameter"))
    group_of = xr.DataArray(["x", "b", "x"], {"parameter": names}, ("parameter",))
    groups = xr.DataArray(["x", "b"], {"group": ["x", "b"]}, ("group",))
    np.testing.assert_array_equal(of_any(flags, group_of, groups), [[1, 0], [0, 1]])


def test_elementary_effects_of_groups_are_those_of_salib_and_of_an_additive_function() -> None:
    names = list(UNIFORM)
    problem = {"num_vars": 3, "names": names, "bounds": [[0.0, 1.0]] * 3, "groups": LABELS}
    unit = trajectories.sample(problem, 20, num_levels=4, seed=1)
    y = np.sin(3 * unit[:, 0]) * unit[:, 2] + unit[:, 1] ** 2
    reference = salib_morris.analyze(problem, unit, y, num_levels=4, num_resamples=2)
    parts = named_parts(names, GROUPS)
    where = xr.DataArray(unit, {"parameter": names}, ("sample", "parameter"))
    value = xr.DataArray(y[:, None, None, None], dims=("sample", "seed", "time", "observable"))
    mine = morris(value, of_parts(where, parts), stochastic=False)["morris_mu_star"].values[0, 0]
    by_name = dict(zip(reference["names"], reference["mu_star"], strict=True))
    np.testing.assert_allclose(mine, [by_name["outer"], by_name["p1"]], rtol=1e-10)
    # Of 3 p0 + p1 - p2 half of the groups' steps have equal signs: |3 - 1| or 3 + 1.
    design = MorrisDesign(trajectories=16)
    points = make_design(design, UNIFORM, groups=GROUPS.values())[1]
    slopes = np.array([3.0, 1.0, -1.0])
    noise = np.random.default_rng(0).standard_normal((len(points), 6))
    f = (points @ slopes)[:, None] + 0.1 * noise
    data = found(points, f, np.broadcast_to(slopes, (*f.shape, 3)), design=design)
    covers(data, "morris_mu_star_of_group", np.array([3.0, 1.0]))
    assert "group" in data["morris_mu_star_of_group"].dims and "morris_mu_star" not in data
    check_arrangement(draw("groups", data)[0])
    with pytest.raises(ValueError, match="p0, p2 of the group outer do not move at once"):
        of_parts(where[::-1].assign_coords(parameter=["p1", "p0", "p2"]), parts)


def run(**changes: Any) -> Run:
    parameters = dict.fromkeys(("x1", "x2", "x3"), "default")
    plain = {"study": "ishigami", "parameters": parameters, "design": {"method": "sobol"}}
    return Run.model_validate(plain | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": {"a": ["x1", "y"]}}, "a names y, which the run does not vary; known: x1, x2, x3"),
        ({"groups": {"a": ["x1"], "b": ["x1"]}}, "x1 is in a and in b; name it only once"),
        ({"groups": {"a": []}}, "a names no parameter; name one or more, or leave it out"),
        ({"groups": {"x2": ["x1"]}}, "x2 is the name of a parameter of another group"),
        ({"groups": {"a": ["x1", "x2", "x3"]}}, "one group has all parameters"),
        (
            {"groups": {"a": ["x1", "x2"]}, "design": {"method": "saltelli", "second_order": True}},
            "second_order = true needs parameters that move alone",
        ),
    ],
)
def test_groups_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        run(**changes)
    assert message in str(error.value)


def test_groups_of_arrays_are_checked() -> None:
    unit = np.random.default_rng(0).uniform(size=(32, 3))
    with pytest.raises(JaxmorphError, match="groups: a names q, which the run does not vary"):
        from_arrays(unit, unit[:, 0], np.zeros((32, 3)), UNIFORM, groups={"a": ["q"]})


def test_a_grouped_run_has_as_many_samples_as_its_design() -> None:
    grouped = run(groups={"a": ["x1", "x2"]}, design={"method": "saltelli", "samples": 16})
    assert grouped.n_samples == 64 == max(b.samples.stop for b in grouped.batches.values())
    assert isinstance(run(groups={"a": ["x1", "x2"]}).design, SobolDesign)
