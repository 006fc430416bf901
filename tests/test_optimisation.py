"""Optimisation against closed forms; starts apart and together; cut off by kill -9."""

import dataclasses
import functools
import inspect
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest
from scipy.optimize import brentq
from support.traps import DT, GAMMA, TIME, X0, K, N, of_study, settings, target, trap
from support.wells import Shot, Slots, Wells, Yule

from jaxmorph import optimisation, store
from jaxmorph.configuration.courses import MeasuredCourse, as_csv, read_course
from jaxmorph.configuration.optimise import Optimise
from jaxmorph.configuration.optimisers import (
    OPTIMISERS,
    REQUIRED,
    SCHEDULES,
    WITHOUT_LEARNING_RATE,
)
from jaxmorph.distributions import (
    Distribution,
    Gamma,
    LogNormal,
    LogTriangular,
    LogUniform,
    Normal,
    TruncatedNormal,
    Uniform,
)
from jaxmorph.errors import JaxmorphError
from jaxmorph.optimisation import STOP_REASONS, LossEvaluator, Objective, Paths, Scale
from jaxmorph.optimisation.at_bound import one_sided
from jaxmorph.optimisation.loss import Weights, cotangent, loss, pseudo_values, standard_error
from jaxmorph.studies import Problem, load_problem

HEIGHT: list[dict[str, Any]] = [{"observable": "height", "goal": "minimise"}]


def objective_of(
    problem: Problem, asked: Optimise, times: np.ndarray = TIME, **courses: MeasuredCourse
) -> Objective:
    named = {o.name: o for o in problem.study.observables}
    given = {int(name[1:]): course for name, course in courses.items()}
    return optimisation.make_objective(asked.objective, given, times, problem.study.time_unit, named)


def descend(problem: Problem, points: list[list[float]], asked: Optimise, **others: Any) -> Paths:
    times = TIME if type(problem.study).__name__ == "OrnsteinUhlenbeckStudy" else np.zeros(1)
    return optimisation.descend(
        problem, objective_of(problem, asked, times), np.array(points), asked, run_key=0, **others
    )


def mean_position(k: float, n: np.ndarray, x0: float = X0) -> np.ndarray:
    """Of the Euler-Maruyama scheme itself: a^n x0 with a = 1 - k dt / gamma."""
    return (1 - k * DT / GAMMA) ** n * x0


# --- the unconstrained scale ---------------------------------------------------------------------

KINDS: list[Distribution] = [
    Uniform(low=-1, high=3),
    LogUniform(low=0.1, high=10),
    Normal(mean=2, sd=3),
    LogNormal(median=2, sd_log=0.5),
    TruncatedNormal(mean=0, sd=1, low=-1, high=4),
    LogTriangular(low=0.5, mode=1, high=4),
    Gamma(shape=2, scale=3),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda d: d.distribution)
def test_every_number_stands_for_a_value_within_the_bounds_and_back(
    kind: Distribution, x64: None
) -> None:
    scale = Scale([kind])
    u = np.array([[-1e300], [-50.0], [-3.0], [0.0], [0.7], [3.0], [50.0], [1e300]])
    value = np.asarray(scale.parameter(jax.numpy.asarray(u)))
    low, high = kind.support
    assert np.all((value >= low) & (value <= high))
    np.testing.assert_allclose(scale.unconstrained(value[2:6]), u[2:6], rtol=1e-12, atol=1e-12)
    inner = jax.numpy.asarray(u[2:6])
    h = 1e-6
    difference = (scale.parameter(inner + h) - scale.parameter(inner - h)) / (2 * h)
    np.testing.assert_allclose(scale.derivative(inner), difference, rtol=1e-7)


@pytest.mark.parametrize("rate", [1e3, 1e9])
def test_bounds_are_never_violated(rate: float) -> None:
    kinds: dict[str, Distribution] = {
        "k": KINDS[0].model_copy(update={"low": 1.0}),
        "kT": LogUniform(low=0.5, high=2),
    }
    asked = settings(target(-50.0), steps=30, optimiser={"name": "sgd", "learning_rate": rate})
    found = descend(trap(0.05, **kinds), [[1.0, 0.5], [2.0, 1.0], [3.0, 2.0]], asked).parameter_value
    assert np.isfinite(found).all()
    assert np.all((found >= [1.0, 0.5]) & (found <= [3.0, 2.0]))


# --- the loss ------------------------------------------------------------------------------------


def random_features(n_seeds: int) -> tuple[np.ndarray, Weights]:
    rng = np.random.default_rng(0)
    weights = Weights(np.array([0.5, 2.0, 0.0]), np.array([1.0, -1.0, 0.0]), np.array([0.0, 0.0, 3.0]))
    return rng.normal(1.0, 2.0, (n_seeds, 3)), weights


def test_the_unbiased_loss_is_the_average_of_products_of_different_seeds() -> None:
    x, w = random_features(5)
    pairs = [(x[i] - w.target) * (x[j] - w.target) for i in range(5) for j in range(5) if i != j]
    expected = w.curvature @ np.mean(pairs, axis=0) + w.slope @ x.mean(axis=0)
    np.testing.assert_allclose(loss(x, w, unbiased=True), expected, rtol=1e-12)
    np.testing.assert_allclose(pseudo_values(x, w).mean(), expected, rtol=1e-12)


@pytest.mark.parametrize("unbiased", [True, False])
def test_the_cotangent_is_the_derivative_of_the_loss(unbiased: bool, x64: None) -> None:
    x, w = random_features(4)
    expected = jax.grad(lambda x: loss(x, w, unbiased=unbiased))(jax.numpy.asarray(x))
    np.testing.assert_allclose(cotangent(x, w, unbiased=unbiased), expected, rtol=1e-12)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_the_standard_error_is_the_spread_of_repeated_losses(shift: float) -> None:
    """Both where the deviation is 0, so that its first order vanishes, and where it is not."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 32, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]])
    w = Weights(np.array([1.0, 0.5]), np.full(2, shift), np.zeros(2))
    spread = loss(x, w, unbiased=True).std()
    said = (standard_error(x, w) ** 2).mean() ** 0.5
    # The spread of 4,000 losses is known to 2 %. Where the first order vanishes it is cautious.
    assert 0.95 < said / spread < (1.05 if shift else 1.4)


@pytest.mark.slow
def test_noise_does_not_move_the_optimum() -> None:
    """A biased loss, (mean of two seeds - 1)^2, falls by 0.5 sd^2: it would push sd to its lower end."""
    problem = of_study(Shot(), "m", "sd")
    asked = settings(
        [{"observable": "value", "goal": "target", "value": 1.0}],
        seeds_per_step=2,
        steps=400,
        optimiser={"name": "sgd", "learning_rate": 0.02},
    )
    found = descend(problem, [[0.0, 1.0]] * 64, asked, targets=np.ones((64, 1)))
    # All starts have the same seeds: their paths are one. Its end is 1 but for the noise of SGD.
    assert np.ptp(found.parameter_value[:, -1], axis=0).max() < 1e-12
    late = found.parameter_value[0, 200:]
    assert late[:, 0].mean() == pytest.approx(1.0, abs=0.1)
    # sd performs a random walk without drift; with the biased loss it decays by exp(-0.02 x 400).
    assert abs(np.log(late[-1, 1])) < 2.0
    biased = asked.model_copy(update={"fresh": False, "seeds_per_step": 2})
    assert descend(problem, [[0.0, 1.0]], biased).parameter_value[0, -1, 1] < 0.9


# --- closed forms --------------------------------------------------------------------------------


def course(k: float = K, x0: float = X0, error: float = 0.02) -> MeasuredCourse:
    steps = np.array([5, 10, 15, 25, 40])
    value = mean_position(k, steps, x0)
    times = tuple(DT * steps)
    # Between the records the model is interpolated: so are the data here.
    at = np.interp(times, TIME, mean_position(k, np.round(TIME / DT), x0))
    assert np.allclose(at, value, rtol=0.01)
    return MeasuredCourse(times, tuple(at), (error,) * 5, {})


COURSE: list[dict[str, Any]] = [{"observable": "position", "goal": "time-course", "data": "d.csv"}]


def test_calibration_finds_the_closed_form_optimum() -> None:
    problem = trap(0.01)
    asked = settings(
        COURSE,
        steps=300,
        optimiser={
            "schedule": {
                "name": "cosine_decay_schedule",
                "settings": {"init_value": 0.1, "decay_steps": 300},
            }
        },
    )
    made = objective_of(problem, asked, c0=course())
    found = optimisation.descend(problem, made, np.array([[0.8], [5.0]]), asked, run_key=0)
    # 8 seeds a step, whose noise is averaged by the decaying steps: a few hundredths.
    np.testing.assert_allclose(found.parameter_value[:, -1], K, atol=0.08)
    assert [STOP_REASONS[i] for i in found.stopped] == ["steps", "steps"]


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["score", "smoothed"])
def test_a_growing_population_reaches_its_target_through_discrete_events(estimator: Any) -> None:
    """The rate at which the mean of a Yule process, in steps, is the target; both ends of its bounds.

    A pathwise derivative of a number of cells is 0: nothing would move. Smoothing moves no end: it
    changes dm / drate, by which the deviation m - y is multiplied in the gradient.
    """
    problem, wanted = of_study(Yule(), "rate"), 6.0
    rate = -np.log(2 - (wanted / 3) ** (1 / 10)) / 0.1
    schedule = {"name": "cosine_decay_schedule", "settings": {"init_value": 0.1, "decay_steps": 150}}
    asked = settings(
        [{"observable": "number", "goal": "target", "value": wanted}],
        seeds_per_step=32,
        steps=150,
        optimiser={"schedule": schedule},
    )
    made = objective_of(problem, asked, np.array([0.0, 1.0]))
    points = np.array([[0.2], [1.4]])
    found = optimisation.descend(
        problem, made, points, asked, run_key=1, estimator=estimator, smoothing=0.3
    )
    # The mean of some hundred seeds, of standard deviation 2.4 each, over dm / drate = 5.6.
    np.testing.assert_allclose(found.parameter_value[:, -1, 0], rate, atol=0.08)
    late = LossEvaluator(problem, made, 4096, run_key=1).values(found.last)[:, :, -1, 0]
    np.testing.assert_allclose(late.mean(axis=1), wanted, atol=0.5)


def test_the_covariance_is_the_inverse_of_the_closed_form_fisher_information() -> None:
    """With I = sum (d m / d theta)(d m / d theta)^T / error^2, m interpolated between records."""
    problem = trap(1e-12, k=Uniform(low=0.5, high=6), x0=LogUniform(low=0.5, high=5))
    asked = settings(COURSE)
    made = objective_of(problem, asked, c0=course())
    evaluation = LossEvaluator(problem, made, 8, run_key=0)
    u = evaluation.scale.unconstrained(np.array([K, X0]))
    around = optimisation.curvature(evaluation, u, fixed_seeds=None, last=u[None])
    n = np.round(TIME / DT)
    a = 1 - K * DT / GAMMA
    by_k = np.interp(course().time, TIME, -n * (DT / GAMMA) * a ** (n - 1) * X0)
    by_x0 = np.interp(course().time, TIME, a**n)
    jacobian = np.stack([by_k, by_x0], axis=1)
    expected = np.linalg.inv(jacobian.T @ jacobian / 0.02**2)
    found = np.outer(around.chain, around.chain) * around.covariance
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert around.kind == "Fisher"
    # The loss is the mean of five squared deviations; at the optimum its Hessian is 2 J^T J / 5.
    in_u = jacobian * around.chain / 0.02
    value = np.linalg.eigvalsh(2 * in_u.T @ in_u / 5)[::-1]
    np.testing.assert_allclose(around.eigenvalue, value, rtol=1e-4)
    low, high = optimisation.region(evaluation, u, around.covariance)
    assert np.all(low < [K, X0]) and np.all(high > [K, X0])


def test_fixed_seeds_add_their_noise_to_the_covariance() -> None:
    """The k that meets a target on R seeds has the variance v_n / (R (dm/dk)^2), v_n in closed form."""
    kT, seeds = 0.05, 16
    problem = trap(kT)
    asked = settings([{"observable": "position", "goal": "target", "value": 1.0, "error": 1e-6}])
    k = GAMMA / DT * (1 - (1.0 / X0) ** (1 / N))
    made = objective_of(problem, asked)
    evaluation = LossEvaluator(problem, made, 4096, run_key=0)
    u = evaluation.scale.unconstrained(np.array([k]))
    around = optimisation.curvature(evaluation, u, fixed_seeds=seeds, last=u[None])
    a = 1 - k * DT / GAMMA
    variance = 2 * kT * DT / GAMMA * (1 - a ** (2 * N)) / (1 - a**2)
    slope = -N * DT / GAMMA * a ** (N - 1) * X0
    found = around.chain[0] ** 2 * around.covariance[0, 0]
    assert found == pytest.approx(variance / seeds / slope**2, rel=0.1)


@pytest.mark.slow
def test_lbfgs_finds_both_wells_and_they_are_two_optima() -> None:
    problem = of_study(Wells(), *"xyzs")
    asked = settings(
        HEIGHT, optimiser={"name": "lbfgs"}, steps=60, stop={"gradient_norm": 1e-9}, fresh=True
    )
    points = [[-0.6, 1, 0.5, 1.5], [-1.5, -1, 0.1, 3], [0.9, 0.3, 0.9, 2], [1.6, 0, 0.3, 1.1]]
    found = descend(problem, points, asked)
    wells = np.sort(np.roots([4, 0, -4, 0.2]).real)[[0, 2]]
    ends = optimisation.Scale(problem.distributions)
    with jax.enable_x64(True):
        values = np.asarray(ends.parameter(jax.numpy.asarray(found.last)))
    np.testing.assert_allclose(values[:, 0], wells[[0, 0, 1, 1]], rtol=1e-7)
    np.testing.assert_allclose(values[:, 1:], [[0, 0.25, 2]] * 4, atol=1e-6)
    assert {STOP_REASONS[i] for i in found.stopped} == {"converged: gradient norm"}
    assert found.steps_done.max() < 60 and np.isnan(found.loss[:, -1]).all()
    result = outcome(problem, asked, found)
    assert result["optimum_of_start"].tolist() == [0, 0, 1, 1]
    assert result["optimum_n_starts"].tolist() == [2, 2]
    # Along y the curvature is 4; on x it is 12 x^2 - 4.
    assert pytest.approx(result["hessian_eigenvalue"][0][1], rel=1e-5) == 4
    assert result["hessian_eigenvalue"][0][0] == pytest.approx(12 * wells[0] ** 2 - 4, rel=1e-5)
    middle = result["profile_loss"].shape[-1] // 2
    np.testing.assert_allclose(result["profile_loss"].min(axis=-1), result["profile_loss"][..., middle])


def outcome(problem: Problem, asked: Optimise, found: Paths) -> dict[str, np.ndarray]:
    times = np.zeros(1)
    evaluation = LossEvaluator(problem, objective_of(problem, asked, times), 16, run_key=0)
    finite = found.stopped != STOP_REASONS.index("not finite")
    result = optimisation.outcome(evaluation, found.u, found.steps_done, finite, fixed_seeds=None)
    return {name: array for name, (_, array) in result.variables.items()}


@pytest.mark.slow
def test_improvement_is_measured_on_seeds_that_were_not_optimised_on() -> None:
    """On its own four seeds a loss can be far below what any other seeds say."""
    problem = of_study(Shot(), "m", "sd")
    asked = settings(
        [{"observable": "value", "goal": "minimise"}], seeds_per_step=4, fresh=False, steps=100
    )
    found = descend(problem, [[0.0, 1.0]], asked)
    result = outcome(problem, asked, found)
    gained = found.parameter_value[0, 0, 0] - found.parameter_value[0, -1, 0]
    # The mean alone is the loss: what the seeds add is noise.
    assert result["improvement_low"][0] < gained < result["improvement_high"][0]


@pytest.mark.slow
def test_the_best_start_is_not_chosen_by_the_seeds_that_measure_it() -> None:
    """The loss is the mean of sd x noise: seeds of a negative mean prefer the largest sd, by luck."""
    problem = of_study(Shot(), "sd")
    asked = settings([{"observable": "value", "goal": "minimise"}])
    made, sd = objective_of(problem, asked, np.zeros(1)), np.array([0.2, 1.0, 5.0])
    u = Scale(problem.distributions).unconstrained(sd[:, None])

    def mean_of(seeds: LossEvaluator) -> float:
        return float(seeds.losses(u[1:2]).mean())

    for key in range(20):
        evaluation = LossEvaluator(problem, made, 16, run_key=key)
        lucky = mean_of(evaluation)
        if lucky < 0 < mean_of(evaluation.on_others()):
            break
    done, finite = np.zeros(3, int), np.ones(3, bool)
    found = optimisation.outcome(evaluation, u[:, None], done, finite, fixed_seeds=None).variables
    assert found["optimum_start"][1].tolist() == [0]
    np.testing.assert_allclose(found["optimum_loss"][1], sd[0] * lucky, rtol=1e-12)
    # These seeds themselves would have taken the last.
    assert np.argmin(found["evaluation_loss_after"][1].mean(axis=1)) == 2


# --- stopping ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_start_that_is_not_finite_costs_the_others_nothing() -> None:
    problem = of_study(Wells(), "x", "y")
    asked = settings(HEIGHT, steps=50, optimiser={"learning_rate": 0.05})
    alone = descend(problem, [[0.5, 1.0], [2.0, -1.0]], asked)
    found = descend(problem, [[0.5, 1.0], [0.5, 3.5], [2.0, -1.0]], asked)
    assert [STOP_REASONS[i] for i in found.stopped] == ["steps", "not finite", "steps"]
    assert found.steps_done.tolist() == [50, 0, 50]
    np.testing.assert_allclose(found.loss[[0, 2]], alone.loss, rtol=1e-12)
    assert np.isnan(found.parameter_value[1, 1:]).all()
    result = outcome(problem, asked, found)
    assert result["optimum_of_start"].tolist()[1] == -1


@pytest.mark.parametrize(
    "stop, reason",
    [
        ({"loss": 0.5}, "target reached"),
        ({"gradient_norm": 0.05}, "converged: gradient norm"),
        ({"tolerance": 1e-3, "patience": 5}, "converged: no progress"),
    ],
)
def test_each_start_stops_by_itself(stop: dict[str, float], reason: str) -> None:
    asked = settings(HEIGHT, steps=400, stop=stop, optimiser={"learning_rate": 0.02})
    found = descend(of_study(Wells(), "x", "y"), [[0.5, 1.0], [-0.8, 2.0]], asked)
    assert [STOP_REASONS[i] for i in found.stopped] == [reason, reason]
    one, two = found.steps_done
    assert 0 < one < two < 400
    assert np.isfinite(found.loss[0, : one + 1]).all() and np.isnan(found.loss[0, one + 1 :]).all()


@pytest.mark.slow
def test_one_start_alone_is_the_same_start_in_a_batch() -> None:
    problem = trap(k=Uniform(low=0.5, high=6), kT=LogUniform(low=0.01, high=1))
    asked = settings(target(0.7), steps=60, seeds_per_step=4, optimiser={"learning_rate": 0.05})
    points = [[1.0, 0.1], [3.0, 0.02], [5.0, 0.5]]
    together = descend(problem, points, asked)
    for i, point in enumerate(points):
        alone = descend(problem, [point], asked)
        np.testing.assert_allclose(alone.parameter_value[0], together.parameter_value[i], rtol=1e-12)


@pytest.mark.slow
def test_the_devices_share_the_starts(tmp_path: Path) -> None:
    """On two devices three starts are filled up to four, and their numbers are the same."""
    done = subprocess.run(
        [sys.executable, __file__, "devices", str(tmp_path / "r.npz")],
        env=os.environ | {"JAX_NUM_CPU_DEVICES": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    there = np.load(tmp_path / "r.npz")
    assert there["n"] == 2
    np.testing.assert_allclose(there["values"], three().parameter_value, rtol=1e-12)


# --- buffers ---------------------------------------------------------------------------------------


def grow(saved: optimisation.Saved | None = None) -> Paths:
    """Gradient descent on (a - 3)^2: a_s = 3 - (3 - a_0) (1 - 2 rate)^s; it needs 2 slots, then 30."""
    asked = settings(
        [{"observable": "y", "goal": "minimise"}],
        steps=60,
        optimiser={"name": "sgd", "learning_rate": 0.05},
    )
    return descend(of_study(Slots(), "a"), [[0.2], [-1.0]], asked, saved=saved, save_every_s=0.0)


@pytest.mark.slow
def test_buffers_that_a_path_outgrows_are_made_larger(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "jaxmorph"):
        found = grow()
    assert caplog.text.count("buffers too small") >= 2
    assert [STOP_REASONS[i] for i in found.stopped] == ["steps", "steps"]
    path = 3 - np.array([[2.8], [4.0]]) * 0.9 ** np.arange(61)
    np.testing.assert_allclose(found.parameter_value[..., 0], path, rtol=1e-12)


@pytest.mark.slow
def test_what_was_cut_off_goes_on_with_the_buffers_that_it_had(caplog: pytest.LogCaptureFixture) -> None:
    saved = Until(4)
    with pytest.raises(Killed):
        grow(saved)
    with caplog.at_level(logging.INFO, "jaxmorph"):
        resumed = grow(saved)
    assert "resuming after 40 steps" in caplog.text
    # 30 slots of which a quarter is to spare: nothing is measured again.
    assert "buffers too small" not in caplog.text and "buffers: " not in caplog.text
    assert resumed.u.tobytes() == grow().u.tobytes()


# --- cut off -------------------------------------------------------------------------------------


def run_of_three(saved: optimisation.Saved | None = None) -> Paths:
    asked = settings(
        target(0.7), steps=400, seeds_per_step=4, optimiser={"name": "adam", "learning_rate": 0.05}
    )
    return descend(trap(), [[1.0], [3.0], [5.0]], asked, saved=saved, save_every_s=0.0)


@functools.cache
def three() -> Paths:
    return run_of_three()


class Killed(BaseException):
    """What no handler of errors catches, like a signal."""


class Until(dict):
    """Keeps states until it has kept some, and then dies before the older ones are removed."""

    def __init__(self, n: int):
        super().__init__()
        self.n = n

    def __setitem__(self, place: tuple[int, int, int, int], arrays: list[np.ndarray]) -> None:
        super().__setitem__(place, arrays)
        self.n -= 1
        if self.n == 0:
            raise Killed


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 27])
def test_what_was_cut_off_ends_with_the_same_bits(after: int) -> None:
    saved = Until(after)
    with pytest.raises(Killed):
        run_of_three(saved)
    assert max(saved)[3] == 10 * after
    resumed, whole = run_of_three(saved), three()
    for name in ("u", "parameter_value", "loss", "loss_se", "gradient_norm", "steps_done", "stopped"):
        assert getattr(resumed, name).tobytes() == getattr(whole, name).tobytes(), name


class Hanging(store.SavedPieces):
    """Waits to be killed when it has kept the state after so many steps."""

    def __init__(self, folder: Path, steps: int):
        super().__init__(folder, "key")
        self.steps = steps

    def __setitem__(self, place: tuple[int, int, int, int], arrays: list[np.ndarray]) -> None:
        super().__setitem__(place, arrays)
        if place[3] == self.steps:
            time.sleep(600)


@pytest.mark.slow
def test_a_process_that_is_killed_goes_on_with_the_same_final_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "unfinished"
    command = [sys.executable, __file__, "run", str(folder), str(tmp_path / "r.npz")]
    with subprocess.Popen([*command, "320"], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not list(folder.glob("*-320.npz")):
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL and not (tmp_path / "r.npz").exists()
    done = subprocess.run([*command, "-1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "resuming after 320 steps" in done.stderr
    resumed, whole = np.load(tmp_path / "r.npz"), three()
    for name in ("u", "loss", "gradient_norm"):
        assert resumed[name].tobytes() == getattr(whole, name).tobytes(), name


# --- names ---------------------------------------------------------------------------------------


def arguments(function: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optax_has_every_optimiser_that_can_be_named(name: str) -> None:
    has = arguments(getattr(optax, name))
    assert set(OPTIMISERS[name]) <= set(has)
    if name not in WITHOUT_LEARNING_RATE:
        assert "learning_rate" in has
    built = optimisation.make_optimiser(settings(target(0.0), optimiser={"name": name}).optimiser)
    assert built.init(np.zeros(2)) is not None


def test_no_optimiser_of_optax_is_forgotten() -> None:
    there = {
        name
        for name, item in vars(optax).items()
        if inspect.isfunction(item) and item.__module__ == "optax._src.alias"
    }
    assert there - set(OPTIMISERS) == {"noisy_sgd"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_optax_has_every_schedule_that_can_be_named(name: str) -> None:
    has = arguments(getattr(optax, name))
    assert tuple(has) == SCHEDULES[name]
    needed = tuple(n for n, p in has.items() if p.default is inspect.Parameter.empty)
    assert needed == REQUIRED[name]


# --- measured time courses ------------------------------------------------------------------------


def test_courses_are_read_from_their_text_to_the_last_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    times = tuple(np.cumsum(rng.uniform(0.1, 1.0, 5)))

    def numbers() -> tuple[float, ...]:
        return tuple(rng.lognormal(sigma=30, size=5))

    courses = {
        "x": MeasuredCourse(times, numbers(), numbers(), {"time": "h", "x": "um", "x_error": "um"}),
        "y": MeasuredCourse(times, numbers(), None, {"time": "h"}),
    }
    path = tmp_path / "courses.csv"
    path.write_text(as_csv(courses), encoding="utf-8")
    assert {name: read_course(str(path), name) for name in courses} == courses


# --- what the study cannot have -------------------------------------------------------------------


@pytest.mark.parametrize(
    "term, course, message",
    [
        ({"observable": "positoin", "goal": "minimise"}, None, "did you mean position?"),
        (
            {"observable": "squared_position", "goal": "target", "value": -1.0},
            None,
            "objective[0].value = -1: squared_position cannot be -1; it is at least 0",
        ),
        (
            COURSE[0],
            MeasuredCourse((0.1, 0.9), (1.0, 1.0), None, {}),
            "objective[0].data = d.csv: time 0.9 is outside of what is simulated, 0 to 0.4",
        ),
        (
            COURSE[0],
            MeasuredCourse((0.1,), (1.0,), None, {"position": "um"}),
            "the unit of position is um, that of the study is 1",
        ),
        (
            COURSE[0],
            MeasuredCourse((0.1,), (1.0,), None, {"time": "h"}),
            "the unit of time is h, that of",
        ),
    ],
)
def test_what_the_study_cannot_have_is_one_line(
    term: dict[str, Any], course: MeasuredCourse | None, message: str
) -> None:
    problem, asked = trap(), settings([term])
    with pytest.raises(JaxmorphError) as caught:
        objective_of(problem, asked, TIME, **({"c0": course} if course else {}))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_share_cannot_be_more_than_one() -> None:
    problem = load_problem("reference", {}, {"epsilon": "default"})
    asked = settings([{"observable": "covered_fraction", "goal": "target", "value": 1.2}])
    with pytest.raises(JaxmorphError, match=r"covered_fraction cannot be 1\.2; it is at most 1"):
        objective_of(problem, asked)


def main(what: str, *paths: str) -> None:
    """In a process of its own: to be killed, or on two devices."""
    if what == "devices":
        found = run_of_three()
        np.savez(paths[0], n=len(jax.local_devices()), values=found.parameter_value)
        return
    import logging

    logging.basicConfig(level=logging.INFO)
    found = run_of_three(Hanging(Path(paths[0]), int(paths[2])))
    np.savez(paths[1], **dataclasses.asdict(found))


if __name__ == "__main__":
    main(*sys.argv[1:])


@pytest.mark.parametrize("beyond", [0.0, 0.02, 0.5])
def test_at_a_bound_an_interval_is_that_of_the_profile(beyond: float) -> None:
    """Ends where chi^2 has risen by 3.84 from the bound; data want a k that lies ``beyond`` it."""
    bound, error = 3.0, 0.01

    def mean(k: float) -> float:
        return X0 * (1 - k * DT / GAMMA) ** N

    wanted = mean(bound + beyond)
    problem = trap(1e-12, k=Uniform(low=0.1, high=bound))
    asked = settings([{"observable": "position", "goal": "target", "value": wanted, "error": error}])
    evaluation = LossEvaluator(problem, objective_of(problem, asked), 8, run_key=0)
    u = evaluation.scale.unconstrained(np.array([bound]))
    around = optimisation.curvature(evaluation, u, fixed_seeds=None, last=u[None])
    plain = optimisation.region(evaluation, u, around.covariance)
    low, high = one_sided(evaluation, u, plain, 8)

    def risen(k: float) -> float:
        return ((mean(k) - wanted) ** 2 - (mean(bound) - wanted) ** 2) / error**2 - 3.841

    expected = bound - brentq(risen, 0.5, bound)
    assert high[0] == pytest.approx(bound, rel=1e-6)
    assert bound - low[0] == pytest.approx(expected, rel=0.1)
