"""What estimators share of a slab is what the plain formulas give, however it is cut into pieces."""

import numpy as np
import pytest
import xarray as xr

from jaxmorph.sensitivity import over_seeds
from jaxmorph.sensitivity.average import parts_of, summed_over
from jaxmorph.sensitivity.local import finite_pairs, local_estimates
from jaxmorph.sensitivity.over_seeds import OverSeeds
from jaxmorph.sensitivity.shared_seeds import SharedSeeds
from jaxmorph.sensitivity.sums import add_up

DIMS = ("sample", "seed", "time", "observable")
SIZES = (7, 6, 3, 2)


def a_slab(lost: float, size: float = 1.0) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Value, gradient and parameters of seven samples; some entries of some seeds are not finite."""
    rng = np.random.default_rng(0)
    value = xr.DataArray(3 + rng.standard_normal(SIZES), dims=DIMS)
    gradient = xr.DataArray(size * rng.standard_normal((*SIZES, 4)), dims=(*DIMS, "parameter"))
    gradient = gradient.where(rng.random(gradient.shape) >= lost / 8)
    value = value.where(rng.random(value.shape) >= lost)
    if lost:
        value[2], gradient[3, 1:] = np.inf, np.nan  # no seed, and one
    return value, gradient, xr.DataArray(1 + rng.random((7, 4)), dims=("sample", "parameter"))


@pytest.mark.parametrize("lost", [0.0, 0.2])
@pytest.mark.parametrize("piece", [1.0, 1e6])
@pytest.mark.parametrize("size", [1.0, 1e-200, 1e200])
def test_sums_over_seeds(
    lost: float, piece: float, size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_seeds, "_PIECE_BYTES", piece)
    value, gradient, _ = a_slab(lost, size)
    over = OverSeeds.of(value, gradient)
    used = finite_pairs(value, gradient)
    f, g = value.where(used), gradient.where(used)
    n, like = used.sum("seed"), gradient.isel(seed=0)
    expected = {
        "n": n,
        "mean": f.mean("seed"),
        "slope": g.mean("seed"),
        "products": ((f - f.mean("seed")) * (g - g.mean("seed"))).sum("seed"),
        "spread": f.std("seed") * n**0.5,
        "slope_spread": (g / size).std("seed") * n**0.5 * size,
    }
    for name, array in expected.items():
        found = over.named(getattr(over, name), like)
        one = array.transpose("sample", "time", "observable", ...)
        one = one if name in ("mean", "slope") else one.fillna(0.0)
        np.testing.assert_allclose(np.nan_to_num(found, nan=-1), np.nan_to_num(one, nan=-1), rtol=1e-12)
        np.testing.assert_array_equal(over.flat(found), getattr(over, name))


@pytest.mark.parametrize("lost", [0.0, 0.2])
def test_averages_from_sums_are_those_from_deviations(lost: float) -> None:
    value, gradient, theta = a_slab(lost)
    used = finite_pairs(value, gradient)
    value, gradient = value.where(used), gradient.where(used)
    local = local_estimates(value, gradient, theta)
    weight = xr.DataArray(np.linspace(1, 2, 7), dims="sample")
    plain, summed = SharedSeeds(None, True), SharedSeeds(None, True)
    plain.add(parts_of(value, gradient, theta, local), weight)
    summed.add_summed(summed_over(OverSeeds.of(value, gradient), theta, local, weight), weight)
    for name in ("value", "gradient", "elasticity", "semi_elasticity"):
        for one in ("average", "per_seed"):
            expected, found = (getattr(sums, one)(name) for sums in (plain, summed))
            found = found.transpose(*expected.dims)
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12, err_msg=f"{name} {one}")


@pytest.mark.parametrize("seeds", [range(3), range(1, 4), [2, 0, 1]])
def test_sums_of_slabs_go_by_labels(seeds: list[int]) -> None:
    one = xr.DataArray([1.0, 2.0, 3.0], {"seed": range(3)}, ("seed",))
    other = xr.DataArray([10.0, 20.0, 30.0], {"seed": seeds}, ("seed",))
    sums = {"f": one}
    add_up(sums, {"f": other})
    xr.testing.assert_identical(sums["f"], one + other)
