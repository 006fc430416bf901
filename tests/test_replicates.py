"""Replicates of a sequence: points that grow, and intervals from the spread between them."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError
from scipy.stats import qmc
from support.one_run import arrays, estimated, slabs_of
from support.shares import FUNCTIONS, cases

from jaxmorph.designs import SaltelliDesign, SobolDesign, make_design, shortest_design
from jaxmorph.distributions import Uniform
from jaxmorph.sensitivity import Question, Samples
from jaxmorph.sensitivity.sobol_indices import sobol_indices
from jaxmorph.sensitivity.two_way import Blocks, ends
from jaxmorph.sensitivity.whole_design import whole_design

UNIT = Uniform(low=0, high=1)
ABC = dict.fromkeys("abc", UNIT)


@pytest.mark.parametrize(("kind", "size"), [(SobolDesign, 1), (SaltelliDesign, 5)])
def test_replicates_take_turns_and_grow(kind: type[SobolDesign], size: int) -> None:
    """Each is a sequence of its own; the first half of twice the samples is the design."""
    design = kind(samples=128, replicates=4, seed=3)
    points = make_design(design, ABC)[1]
    grown = make_design(kind(samples=256, replicates=4, seed=3), ABC)[1]
    np.testing.assert_array_equal(grown[: len(points)], points)
    assert shortest_design(kind(samples=512, replicates=4, seed=3), list(ABC), 128 * size) == design
    assert shortest_design(design, list(ABC), size) == design  # none is shorter
    each = points.reshape(32, 4, size, 3)[:, :, 0]
    for replicate in range(4):  # one point in each of 32 intervals
        of_one = np.sort(np.floor(32 * each[:, replicate]), axis=0)
        np.testing.assert_array_equal(of_one, np.arange(32)[:, None] * np.ones(3))
    assert len(np.unique(each[..., 0])) == 128


def test_one_replicate_is_the_sequence_as_it_was() -> None:
    alone, one = (make_design(design, ABC)[1] for design in (SobolDesign(), SobolDesign(replicates=1)))
    np.testing.assert_array_equal(alone, one)
    engine = qmc.Sobol(3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(one, np.clip(engine.random(64), 2.0**-31, 1))


@pytest.mark.parametrize(
    ("replicates", "says"),
    [(2, "must be 1, or 4 or more"), (6, "must be a power of two"), (8, "must be at least 256 for 8")],
)
def test_too_few_replicates_or_points_are_refused(replicates: int, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SobolDesign(samples=128, replicates=replicates)


def of_design(name: str, design: SobolDesign) -> dict[str, tuple[float, float, float]]:
    """Value and interval of each average over the design, by its name."""
    d = cases()[name].n_parameters
    parameters = {f"p{i}": UNIT for i in range(d)}
    v = make_design(design, parameters)[1]
    f, g = FUNCTIONS[name](v)
    points, everything = arrays([UNIT] * d, v, f[:, None, None], g[:, None, None])
    samples = Samples(points, Question([UNIT] * d, design=design, stochastic=False), None)
    (slab,) = slabs_of(samples, everything, 1)
    samples.add(slab.value, slab.scaled, slab.used, None)
    found = whole_design(samples.moments, [UNIT] * d, True)
    blocks = Blocks(samples.draw)
    blocks.add(np.arange(len(v)), {"mean": slab.value.isel(seed=0)})
    mean = slab.value.mean(("sample", "seed"))
    found |= dict(zip(("mean_low", "mean_high"), ends(mean, [blocks.spread("mean")]), strict=True))
    found["mean"] = mean
    names = ("mean", "variance", "dgsm", "total_bound")
    first = {name: float(array.values.flat[0]) for name, array in found.items()}
    return {n: (first[n], first[f"{n}_low"], first[f"{n}_high"]) for n in names}


def test_intervals_between_replicates_are_a_fifth_as_wide() -> None:
    """Of the mean of a smooth function, and still hold it; its mean is 1 and its variance known."""
    alone, several = (of_design("product", SobolDesign(samples=256, replicates=n)) for n in (1, 8))
    truth = {"mean": 1.0, "variance": 2 * 1.49 * 1.16 - 1}
    for name, value in truth.items():
        assert several[name][1] < value < several[name][2]
    width = {n: (several[n][2] - several[n][1]) / (alone[n][2] - alone[n][1]) for n in several}
    assert width["mean"] < 0.3 and width["dgsm"] < 0.3 and width["variance"] < 0.8


def test_all_estimates_of_replicates_are_there() -> None:
    design = SobolDesign(samples=128, replicates=4)
    v = make_design(design, ABC)[1]
    f, g = FUNCTIONS["product"](v)
    noise = 0.1 * np.random.default_rng(0).standard_normal((128, 4))
    value, gradient = (f[:, None] + noise)[..., None], np.tile(g[:, None, None], (1, 4, 1, 1))
    data = estimated([UNIT] * 3, v, value, gradient, design=design)
    for name in ("variance", "dgsm", "total_bound", "total_lower_bound", "activity_score"):
        assert np.isfinite(data[f"{name}_high"]).all(), name
    assert data["value_average_se_samples"] < 0.3 * (data["variance"] / 128) ** 0.5


def test_saltelli_indices_of_replicates_resample_these() -> None:
    design = SaltelliDesign(samples=128, replicates=4)
    v = make_design(design, ABC)[1]
    dims = ("sample", "seed", "time", "observable")
    f = xr.DataArray(FUNCTIONS["product"](v)[0][:, None, None, None], dims=dims)
    draw = np.arange(len(v)) // 5 % 4
    alone, several = (sobol_indices(f, list(ABC), False, draw=of) for of in (None, draw))
    assert (several["sobol_total"] == alone["sobol_total"]).all()
    width = [x["sobol_total_high"] - x["sobol_total_low"] for x in (several, alone)]
    assert (width[0] < width[1]).all() and width[0].sum() < 0.8 * width[1].sum()
    holed = np.delete(np.arange(len(v)), np.arange(15, 20))
    assert "sobol_total_low" in sobol_indices(f.isel(sample=holed), list(ABC), False, draw=draw[holed])


@pytest.mark.verify
@pytest.mark.parametrize("replicates", [8, 16])
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_intervals_between_replicates_cover(
    name: str, replicates: int, record_property: Callable[[str, object], None]
) -> None:
    """In 91 % or more of 200 designs of 512 points; truths by one sequence of 2^17."""
    d = cases()[name].n_parameters
    many = make_design(SobolDesign(samples=2**17, seed=10**6), {f"p{i}": UNIT for i in range(d)})[1]
    f, g = FUNCTIONS[name](many)
    square = (g[:, 0] ** 2).mean()
    truth = {"mean": f.mean(), "variance": f.var(), "dgsm": square}
    truth["total_bound"] = square / np.pi**2 / f.var()
    covered = dict.fromkeys(truth, 0)
    for seed in range(200):
        found = of_design(name, SobolDesign(samples=512, replicates=replicates, seed=seed))
        for one, value in truth.items():
            covered[one] += found[one][1] <= value <= found[one][2]
    record_property("intervals", 200 * len(truth))
    record_property("covered", sum(covered.values()))
    assert min(covered.values()) >= 0.91 * 200
