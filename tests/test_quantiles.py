"""Quantiles of all columns at once are NumPy's."""

import numpy as np
import pytest

from jaxmorph.sensitivity.quantiles import quantiles


@pytest.mark.parametrize("lost", [0.0, 0.3])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_quantiles_are_those_of_numpy(lost: float, axis: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((9, 8, 7))
    x[0, 0, 0], x[1, 1, 1] = np.inf, -np.inf
    x[rng.random(x.shape) < lost] = np.nan
    shares = (0.0, 0.1, 0.5, 0.75, 0.9, 1.0)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(
            quantiles(x, shares, axis)[:, 2:], np.nanquantile(x, shares, axis=axis)[:, 2:]
        )
        np.testing.assert_array_equal(quantiles(x[2:], 0.3, axis), np.nanquantile(x[2:], 0.3, axis=axis))


def test_nothing_but_nan_has_no_quantile() -> None:
    assert np.isnan(quantiles(np.full((3, 2), np.nan), (0.1, 0.5), 0)).all()
