"""What an expansion saves in samples for means and variances over the design."""

from collections.abc import Callable

import numpy as np
import pytest
from support.one_run import by_one, estimated
from support.shares import FUNCTIONS, cases, common_noise

from jaxmorph.distributions import Uniform
from jaxmorph.sensitivity.chaos import Chaos

UNIT = Uniform(low=0, high=1)
TRUTH = {"product": (1.0, 2 * 1.49 * 1.16 - 1), "ishigami": (3.5, 13.844588)}


def test_it_is_the_squared_ratio_of_the_intervals_and_large_for_smooth_functions() -> None:
    v = np.random.default_rng(0).random((60, 3))
    f, g = FUNCTIONS["product"](v)
    data = estimated([UNIT] * 3, v, f[:, None, None], g[:, None, None], stochastic=False)
    for name, plain, better in (
        ("variance_reduction", "value_average", "expansion_mean"),
        ("variance_reduction_of_variance", "variance", "expansion_variance"),
    ):
        length = [(data[f"{x}_high"] - data[f"{x}_low"]).item() for x in (plain, better)]
        assert data[name].item() == pytest.approx((length[0] / length[1]) ** 2)
        assert data[name].item() > 100


@pytest.mark.verify
@pytest.mark.parametrize("name", list(TRUTH))
def test_means_and_variances_of_expansions_cover_and_save_what_is_said(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    """Over 200 random designs of 60 points with 8 seeds: squared errors fall by as much or more."""
    d = cases()[name].n_parameters
    found, plain = [], []
    for r in range(200):
        rng = np.random.default_rng(r)
        v = rng.random((60, d))
        f, g = common_noise(*FUNCTIONS[name](v), v, 8, 0.3, rng)
        data = by_one(Chaos, [UNIT] * d, v, f[..., None], g[:, :, None])
        ends = [f"expansion_{x}{end}" for x in ("mean", "variance") for end in ("", "_low", "_high")]
        found.append([float(data[end].values.flat[0]) for end in ends])
        plain.append([f.mean(), f.mean(axis=1).var(ddof=1)])
    values = np.array(found).reshape(-1, 2, 3)
    truth = np.array(TRUTH[name])
    covered = ((values[..., 1] <= truth) & (truth <= values[..., 2])).sum(axis=0)
    saved = ((plain - truth) ** 2).mean(axis=0) / ((values[..., 0] - truth) ** 2).mean(axis=0)
    record_property("intervals", 400)
    record_property("covered", int(covered.sum()))
    record_property("saved", saved.round(1).tolist())
    assert (covered >= 0.91 * 200).all() and (saved > 3).all()
