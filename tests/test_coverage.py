"""95 % intervals cover the truth as often as they say: every interval of ``sensitivity.nc``."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from support.skewed import OF_EXPANSIONS, OF_RECORDS, OF_SETS, WITHOUT_TRUTH, Case
from support.sweeps import Recorder, record_intervals

from jaxmorph.quantities import Interval
from jaxmorph.sensitivity import quantities

DESIGNS = ("random", "sobol", "saltelli", "morris")
CASES = [
    Case(n, n_seeds, common, design)
    for design in DESIGNS
    for n, n_seeds in ((64, 16), (256, 8))
    for common in (True, False)
]
_ROUND_OFF = 1e-9
_BATCH = 50


def covered(case: Case, repetitions: int, seed: int = 5) -> dict[str, np.ndarray]:
    """How many of the repetitions have an interval that holds the truth, by estimate (parameter)."""
    rng, truth = np.random.default_rng(seed), case.truth
    counts: dict[str, np.ndarray] = {}
    for start in range(0, repetitions, _BATCH):
        data = case.intervals(rng, min(_BATCH, repetitions - start))
        for name in dict.fromkeys(quantity.name for quantity in quantities()):
            if f"{name}_low" in data:
                low, high = (_of_repetitions(data[f"{name}_{end}"]) for end in ("low", "high"))
                exact = np.atleast_1d(truth[name])
                margin = _ROUND_OFF * (1 + np.abs(exact))
                held = (low <= exact + margin) & (exact - margin <= high)
                counts[name] = counts.get(name, 0) + held.sum(axis=0)
    return counts


def _of_repetitions(array: xr.DataArray) -> np.ndarray:
    values = array.transpose("observable", ...).values
    return values.reshape(len(values), -1)


@pytest.mark.verify
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_interval_covers_its_truth(case: Case, record_property: Recorder) -> None:
    """An exact binomial test at 0.1 % refutes neither 91 % nor, on independent draws, 98 %."""
    n = 200
    counts = covered(case, n)
    record_intervals(
        record_property,
        sum(int(c.sum()) for c in counts.values()),
        n * sum(map(np.size, counts.values())),
    )
    for name, count in counts.items():
        assert (stats.binom.cdf(count, n, 0.91) > 0.001).all(), (name, count)
        if case.design in ("random", "morris"):
            assert (stats.binom.sf(count - 1, n, 0.98) > 0.001).all(), (name, count)


@pytest.mark.slow
def test_intervals_of_few_repetitions_cover() -> None:
    """Forty repetitions: what covers less than four fifths of the time would nearly always be found."""
    for name, count in covered(Case(64, 16, True), 40).items():
        assert (stats.binom.cdf(count, 40, 0.91) > 0.001).all(), (name, count)


def test_every_declared_interval_is_tried() -> None:
    declared = {q.name for q in quantities() if q.interval is not Interval.NONE}
    tried = set(CASES[0].truth) | WITHOUT_TRUTH | OF_EXPANSIONS | OF_SETS | OF_RECORDS
    assert declared <= tried, declared - tried
