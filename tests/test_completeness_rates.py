"""How often integration by parts accuses what is complete, and finds what is not, over many designs."""

from typing import Any, get_args

import numpy as np
import pytest
from scipy import stats
from support.completeness import (
    JUMPING,
    UNIT,
    Gradients,
    design_of,
    estimated_gradients,
    functions,
    jumps,
    jumps_of,
    rates,
)
from support.one_run import by_parts

from jaxmorph.designs import SobolDesign
from jaxmorph.sensitivity.completeness import of_parts

DESIGNS = [("random", 64), ("sobol", 64), ("latin", 64), ("saltelli", 16), ("saltelli", 64)]


def accused(
    kind: str, n: int, gradients: Gradients, repetitions: int, seeds: int, jump: bool
) -> np.ndarray:
    """Which gradients a run withholds, by the whole test (repetition, observable, parameter)."""
    found = []
    for r in range(repetitions):
        rng = np.random.default_rng(r)
        design, v = design_of(kind, n, r)
        of, noise = (jumps_of, (seeds, 42)) if jump else (functions, (seeds,))
        f, g, known = estimated_gradients(of, v, rng.standard_normal(noise), gradients, rng)
        parts = by_parts([UNIT] * 3, v, f, g, design=design, **known)
        found.append(of_parts(parts)["gradient_incomplete"][0])
    return np.array(found)


@pytest.mark.verify
@pytest.mark.parametrize("kind", ["random", "sobol", "latin", "saltelli"])
@pytest.mark.parametrize("n", [16, 64])
def test_false_alarms_over_many_designs(kind: str, n: int) -> None:
    below = rates(kind, n, 600)
    assert below[0].max() <= 0.08
    assert below[1].max() <= 0.025
    assert below[2].mean() <= 0.002


@pytest.mark.verify
@pytest.mark.parametrize("gradients", get_args(Gradients))
@pytest.mark.parametrize(("kind", "n"), DESIGNS)
def test_at_most_one_run_in_a_hundred_accuses_complete_gradients(
    kind: str, n: int, gradients: Gradients, record_property: Any
) -> None:
    """Of five observables by three parameters, all of whose gradients are complete."""
    repetitions, seeds = (300, 2) if gradients == "pathwise" else (100, 16)
    runs = accused(kind, n, gradients, repetitions, seeds, jump=False).any(axis=(1, 2)).sum()
    record_property("runs", repetitions)
    record_property("runs that accuse", int(runs))
    assert stats.binom.sf(runs - 1, repetitions, 0.01) > 0.01


@pytest.mark.verify
@pytest.mark.parametrize(("kind", "n"), DESIGNS)
def test_jumps_are_found_on_every_design(kind: str, n: int, record_property: Any) -> None:
    """With 16 seeds; the score does not see them either, but has a noise in which a small one hides."""
    truth = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0]], bool)
    for gradients in ("pathwise", "score"):
        found = accused(kind, n, gradients, 100, 16, jump=True).sum(axis=0)
        record_property("jumps", int(100 * truth.sum()))
        record_property("jumps found", int(found[truth].sum()))
        assert found[~truth].max() <= 1
        assert found[:2, 0].min() == 100
        assert gradients == "score" or found[2, 1] >= 85


@pytest.mark.verify
@pytest.mark.parametrize(("kind", "n"), DESIGNS)
def test_smoothed_gradients_see_jumps(kind: str, n: int) -> None:
    """They are accused of them where too few samples lie on the smoothed jump alone."""
    assert accused(kind, n, "smoothed", 100, 16, jump=True).any(axis=(1, 2)).sum() <= 10


@pytest.mark.verify
def test_jumps_are_found_in_a_hundred_of_a_hundred_designs() -> None:
    counts = np.zeros((3, 3))
    for r in range(100):
        rng = np.random.default_rng(r)
        _, v = design_of("sobol", 128, r)
        numbers = of_parts(by_parts(JUMPING, v, *jumps(v, rng), design=SobolDesign(samples=128)))
        counts += numbers["gradient_incomplete"][0]
    assert counts[0, 0] == counts[1, 0] == 100
    assert counts[2, 1] >= 90  # in one of 8 seeds or none the coin may not turn at all
    assert counts[:, 2].sum() == counts[:2, 1].sum() == counts[2, 0] == 0
