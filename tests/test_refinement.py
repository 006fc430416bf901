"""The finish of a calibration against closed forms; starts apart and together; cut off."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.traps import DT, GAMMA, TIME, X0, N, of_study, settings, target, trap
from support.wells import Wells

from jaxmorph import optimisation, store
from jaxmorph.configuration.optimise import Optimise
from jaxmorph.distributions import LogUniform, Normal, Uniform
from jaxmorph.engine.program import key_apart, seed_keys
from jaxmorph.optimisation import REFINING, STOP_REASONS, LossEvaluator, Paths
from jaxmorph.optimisation.uncertainty import _of_pairs
from jaxmorph.studies import Problem

A = 1 - 2.0 * DT / GAMMA
"""Of the scheme x_n = a x_(n-1) + noise, at k = 2."""


def evaluation_of(problem: Problem, asked: Optimise, seeds: int, **others: Any) -> LossEvaluator:
    named = {o.name: o for o in problem.study.observables}
    times = np.zeros(1) if isinstance(problem.study, Wells) else TIME
    made = optimisation.make_objective(asked.objective, {}, times, problem.study.time_unit, named)
    return LossEvaluator(problem, made, seeds, run_key=0, first_seed=REFINING, **others)


def ended(evaluation: LossEvaluator, *points: list[float], stopped: str = "steps") -> Paths:
    """Paths that ended where they began."""
    value = np.array(points)
    u = evaluation.scale.unconstrained(value)
    nothing, n = np.zeros((len(u), 1)), len(u)
    stops = np.full(n, STOP_REASONS.index(stopped))
    return Paths(
        u[:, None], value[:, None], nothing, nothing, nothing, np.zeros(n, int), stops, np.zeros(n, bool)
    )


def ends(paths: Paths) -> np.ndarray:
    return paths.parameter_value[np.arange(len(paths.u)), paths.steps_done]


LEVEL = target(0.9, when="all", error=0.1)
"""A particle that relaxes cannot be at 0.9 at all times."""


def test_linear_least_squares_on_these_seeds_is_solved_exactly() -> None:
    """x_n = a^n x0 + noise of the seeds: the x0 that is nearest to targets which cannot all be met."""
    problem = trap(0.3, x0=Normal(mean=1, sd=2))
    evaluation = evaluation_of(problem, settings(LEVEL), 64)
    refined = optimisation.refine(ended(evaluation, [5.0], [0.1]), evaluation, 10)
    a = A ** np.round(TIME / DT)
    noise = evaluation.values(np.array([[0.0]]))[0, ..., 0].mean(axis=0) - a * 1.0
    expected = a @ (0.9 - noise) / (a @ a)
    np.testing.assert_allclose(ends(refined)[:, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(refined.loss[:, 1], evaluation.slopes(refined.last).loss, rtol=1e-9)
    assert refined.steps_done.tolist() == [1, 1] and refined.refined.all()


def test_the_stiffness_that_meets_a_target_without_noise_has_a_closed_form() -> None:
    problem = trap(1e-12)
    evaluation = evaluation_of(problem, settings(target(1.0)), 8)
    refined = optimisation.refine(ended(evaluation, [5.5], [0.6]), evaluation, 20)
    k = GAMMA / DT * (1 - (1.0 / X0) ** (1 / N))
    np.testing.assert_allclose(ends(refined)[:, 0], k, rtol=1e-6)


def test_what_is_nearer_than_the_noise_of_these_seeds_says_is_in_the_covariance() -> None:
    """The k that meets a target on R seeds has the variance v_n / (R (dm/dk)^2), v_n in closed form."""
    kT, seeds = 0.05, 2048
    problem, asked = trap(kT), settings(target(1.0, error=1e-6))
    refining = evaluation_of(problem, asked, seeds)
    u = optimisation.refine(ended(refining, [2.5]), refining, 10).last[0]
    fresh = LossEvaluator(problem, refining.objective, 64, run_key=0)
    around = optimisation.curvature(fresh, u, fixed_seeds=None, last=u[None], refining=refining)
    k = refining.parameter(u)[0]
    a = 1 - k * DT / GAMMA
    variance = 2 * kT * DT / GAMMA * (1 - a ** (2 * N)) / (1 - a**2)
    slope = -N * DT / GAMMA * a ** (N - 1) * X0
    found = around.chain[0] ** 2 * around.covariance[0, 0]
    assert found == pytest.approx(variance / seeds / slope**2, rel=0.1)


def test_an_end_that_stopped_short_says_so() -> None:
    """One sd of the data away from the minimum, the covariance is 1 + 1 of the data's."""
    problem, asked = trap(1e-12, x0=Normal(mean=1, sd=2)), settings(target(1.0, error=0.1))
    refining = evaluation_of(problem, asked, 16)
    sd = 0.1 / A**N
    u = refining.scale.unconstrained(np.array([1.0 / A**N + sd]))
    fresh = LossEvaluator(problem, refining.objective, 16, run_key=0)
    around = optimisation.curvature(fresh, u, fixed_seeds=None, last=u[None], refining=refining)
    assert around.chain[0] ** 2 * around.covariance[0, 0] == pytest.approx(2 * sd**2, rel=1e-4)


def test_noise_does_not_pass_for_information() -> None:
    """The mean of A^T A over many draws of four seeds is that of the expected A."""
    rng = np.random.default_rng(0)
    mean = np.array([[1.0, 0.0], [0.5, 0.2], [0.0, -0.3]])
    found = [_of_pairs(mean + rng.normal(0, 2, (4, 3, 2))) for _ in range(20000)]
    error = np.std(found, axis=0) / len(found) ** 0.5
    assert np.all(np.abs(np.mean(found, axis=0) - mean.T @ mean) < 4 * error)
    assert np.all(error < 0.1)


def test_its_seeds_are_those_of_no_other_step_and_no_measurement() -> None:
    import jax

    def keys(seeds: np.ndarray) -> set[tuple[int, ...]]:
        return {tuple(key) for key in seed_keys(0, seeds).tolist()}

    mine, measured = keys(REFINING + np.arange(1000)), keys(np.arange(1000))
    apart = key_apart(jax.random.PRNGKey(0), "optimisation")
    descent = {
        tuple(k) for k in jax.vmap(lambda i: jax.random.fold_in(apart, i))(np.arange(1000)).tolist()
    }
    assert len(mine | measured | descent) == 3000


def three(saved: Any = None, chosen: slice = slice(None)) -> Paths:
    problem = trap(k=Uniform(low=0.1, high=6), x0=LogUniform(low=0.5, high=5))
    evaluation = evaluation_of(problem, settings(LEVEL), 32)
    points = [[1.0, 1.0], [3.0, 2.0], [5.0, 0.7]][chosen]
    return optimisation.refine(ended(evaluation, *points), evaluation, 2, saved=saved)


@pytest.mark.slow
def test_a_start_does_not_depend_on_the_others() -> None:
    together = three()
    assert np.ptp(ends(together), axis=0).min() > 0
    for i in range(3):
        alone = three(chosen=slice(i, i + 1))
        np.testing.assert_allclose(ends(alone)[0], ends(together)[i], rtol=1e-12)


class Killed(BaseException):
    """What no handler of errors catches, like a signal."""


class Dying(store.SavedPieces):
    """Dies when the second start is kept."""

    def __setitem__(self, place: Any, arrays: list[np.ndarray]) -> None:
        super().__setitem__(place, arrays)
        if place[0] == 1:
            raise Killed


def test_what_was_cut_off_ends_with_the_same_bits(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        three(Dying(tmp_path, "key"))
    kept = store.SavedPieces(tmp_path, "key")
    assert [place[0] for place in kept] == [0, 1]
    kept[0, 1, 0, 1] = [np.full_like(x, 7.0) for x in kept[0, 1, 0, 1]]
    resumed, whole = three(kept), three()
    # What was kept is not computed again.
    assert np.all(ends(resumed)[0] == 7)
    for name, values in dataclasses.asdict(whole).items():
        assert getattr(resumed, name)[1:].tobytes() == values[1:].tobytes(), name


def test_starts_that_are_not_finite_stay_and_cost_the_others_nothing() -> None:
    problem = of_study(Wells(), "x", "y")
    asked = settings([{"observable": "height", "goal": "target", "value": 0.5}])
    evaluation = evaluation_of(problem, asked, 1)
    alone = optimisation.refine(ended(evaluation, [0.9, 0.3]), evaluation, 20)
    paths = ended(evaluation, [0.9, 0.3], [0.9, 3.5], [0.5, 0.5])
    paths.stopped[2] = STOP_REASONS.index("not finite")
    found = optimisation.refine(paths, evaluation, 20)
    assert found.steps_done.tolist() == [1, 0, 0] and found.refined.tolist() == [True, False, False]
    assert [STOP_REASONS[i] for i in found.stopped] == ["steps", "not finite", "not finite"]
    assert np.isnan(found.u[1:, 1]).all()
    np.testing.assert_array_equal(ends(found)[0], ends(alone)[0])
    assert evaluation.losses(found.last[:1])[0, 0] < 1e-10
