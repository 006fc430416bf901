"""The engine: gradients, cuts into pieces, memory, and studies that raise."""

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, PRNGKeyArray

import jaxmorph as jxm
from jaxmorph import engine
from jaxmorph.distributions import Uniform
from jaxmorph.engine import pieces, program
from jaxmorph.errors import JaxmorphError
from jaxmorph.studies import Problem, load_problem

SMALL_REFERENCE = {
    "n_cells": 5,
    "n_steps": 6,
    "relaxation_steps": 3,
    "dt": 0.003,
    "record_every": 3,
    "initial_spread": 1.5,
    "window_points": 8,
}
BUILT_IN: dict[str, dict[str, Any]] = {
    "reference": SMALL_REFERENCE,
    "ornstein-uhlenbeck": {"n_dim": 2, "n_steps": 20, "record_every": 4},
    "ishigami": {},
}


def problem_of(name: str, observables: Any = "all") -> Problem:
    """A built-in study, with all of its parameters varied."""
    names = [p.name for p in load_problem(name, {}, {}).study.parameters]
    return load_problem(name, BUILT_IN[name], dict.fromkeys(names, "default"), observables)


def points(problem: Problem, n: int, seed: int = 0) -> np.ndarray:
    u = np.random.default_rng(seed).uniform(0.1, 0.9, (n, len(problem.names)))
    return np.stack([d.ppf(x) for d, x in zip(problem.distributions, u.T, strict=True)], axis=1)


# --- gradients -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [pytest.param("reference", marks=pytest.mark.slow), "ornstein-uhlenbeck", "ishigami"]
)
def test_forward_mode_reverse_mode_and_finite_differences_agree(name: str) -> None:
    problem = problem_of(name)
    samples, seeds = points(problem, 2), np.array([0, 3])
    differences = engine.finite_differences(problem, samples, seeds, run_key=2, step=1e-3)
    forward = differences.automatic
    reverse = engine.evaluate(problem, samples, seeds, run_key=2, gradient="reverse")
    assert (forward.mode, reverse.mode) == ("forward", "reverse")
    assert forward.gradient is not None and reverse.gradient is not None
    n_times, n_observables = len(forward.time), len(problem.observables)
    shape = (2, 2, n_times, n_observables, len(problem.names))
    assert forward.gradient.shape == shape and forward.value.shape == shape[:-1]
    assert forward.gradient.dtype == forward.value.dtype == np.float64
    np.testing.assert_allclose(forward.value, reverse.value, rtol=1e-13)
    largest = np.abs(forward.gradient).max(axis=2, keepdims=True)
    assert np.all(np.abs(forward.gradient - reverse.gradient) <= 1e-10 * largest)
    error = np.abs(differences.gradient - forward.gradient)
    # The last term is what rounding the values makes of a difference: max_radius hardly matters.
    h = 1e-3 * np.array([d.frozen().std() for d in problem.distributions])
    rounding = np.finfo(float).eps * np.abs(forward.value).max(axis=2, keepdims=True)[..., None] / h
    assert np.all(error <= 1e-6 * largest + rounding)
    # What the differences say of their own error is not too small.
    assert np.all(error <= differences.error + 1e-8 * largest)
    # Every parameter matters for some observable.
    assert np.all(np.abs(forward.gradient).max(axis=(0, 1, 2, 3)) > 1e-6)


def test_auto_takes_the_cheaper_mode_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    problem = problem_of("ishigami")
    with caplog.at_level(logging.INFO, "jaxmorph"):
        many = engine.evaluate(problem, points(problem, 1), np.arange(1), run_key=0)
    assert many.mode == "forward"
    assert f"gradient mode: forward ({many.reason})" in caplog.text
    assert "1/1" in caplog.text  # progress
    assert engine.choose_mode("auto", (1, 1), 50)[0] == "reverse"
    mode, reason = engine.choose_mode("auto", (21, 6), 50)
    assert mode == "forward"
    for part in ("auto: ", "parameters", "50", "outputs (times x observables)", "126", "cheaper"):
        assert part in reason
    for asked in ("forward", "reverse"):
        assert engine.choose_mode(asked, (1, 1), 1) == (asked, "asked for by the configuration")


def test_without_gradients_the_values_are_the_same() -> None:
    problem = problem_of("ornstein-uhlenbeck")
    samples, seeds = points(problem, 2), np.arange(2)
    plain = engine.evaluate(problem, samples, seeds, run_key=2, gradient="none")
    assert plain.gradient is None and plain.mode is None
    full = engine.evaluate(problem, samples, seeds, run_key=2)
    np.testing.assert_allclose(plain.value, full.value, rtol=1e-14)


def test_observables_and_parameters_are_picked_by_name() -> None:
    every = problem_of("ornstein-uhlenbeck")
    some = load_problem(
        "ornstein-uhlenbeck",
        BUILT_IN["ornstein-uhlenbeck"],
        {"x0": "default", "k": "default"},
        observables=["squared_displacement", "position"],
        fixed={"gamma": 0.9},
    )
    assert some.fixed == {"gamma": 0.9, "kT": 1.0}
    a = engine.evaluate(every, np.array([[1.2, 0.9, 1.0, 1.4]]), np.arange(2), run_key=2)
    b = engine.evaluate(some, np.array([[1.4, 1.2]]), np.arange(2), run_key=2)
    assert a.gradient is not None and b.gradient is not None
    np.testing.assert_allclose(b.value, a.value[..., [2, 0]], rtol=1e-13)
    picked = a.gradient[..., [2, 0], :][..., [3, 0]]
    np.testing.assert_allclose(b.gradient, picked, rtol=1e-11, atol=1e-13)


# --- one answer per (sample, seed) ---------------------------------------------------------------


def assert_same(part: Any, whole: Any, rows: list[int], columns: list[int]) -> None:
    """Equal to 1e-12 of the largest over time."""
    for name in ("value", "gradient"):
        truth = getattr(whole, name)[np.ix_(rows, columns)]
        largest = np.abs(truth).max(axis=2, keepdims=True)
        assert np.all(np.abs(getattr(part, name) - truth) <= 1e-12 * largest), name


@pytest.mark.slow
def test_a_pair_has_one_answer_however_the_run_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    problem = problem_of("reference", ["mean_distance"])
    samples, seeds = points(problem, 5), np.array([0, 1, 4, 7])
    with caplog.at_level(logging.INFO, "jaxmorph"):
        whole = engine.evaluate(problem, samples, seeds, run_key=9, memory_limit=1e12)
        assert "evaluating pieces of 5 samples x 4 seeds" in caplog.text
        cut = engine.evaluate(problem, samples, seeds, run_key=9, memory_limit=60e3)
    assert "cutting the batch" in caplog.text
    assert "evaluating pieces of 3 samples x 4 seeds" in caplog.text
    assert_same(cut, whole, [0, 1, 2, 3, 4], [0, 1, 2, 3])
    alone = engine.evaluate(problem, samples[[4]], seeds[[1]], run_key=9)
    assert_same(alone, whole, [4], [1])
    assert np.all(np.ptp(whole.value[:, :, -1, 0], axis=1) > 1e-3)  # seeds differ


def test_samples_that_come_one_after_another_are_compiled_once(caplog: pytest.LogCaptureFixture) -> None:
    problem = problem_of("ornstein-uhlenbeck")
    samples, seeds = points(problem, 5), np.array([5, 2, 3])
    whole = engine.evaluate(problem, samples, seeds, run_key=9)
    # So little memory that pieces are cut: what was found out about that is kept, too.
    with (
        caplog.at_level(logging.INFO, "jaxmorph.engine.pieces"),
        engine.evaluator(problem, seeds, run_key=9, memory_limit=2e3) as evaluated,
    ):
        parts = [evaluated(samples[rows]) for rows in ([0, 1], [2, 3], [4, 0])]
    for part, rows in zip(parts, ([0, 1], [2, 3], [4, 0]), strict=True):
        assert_same(part, whole, rows, [0, 1, 2])
    assert "cutting the batch" in caplog.text
    assert caplog.text.count("evaluating pieces of") == 1


def test_cutting_goes_down_to_single_pairs(caplog: pytest.LogCaptureFixture) -> None:
    problem = problem_of("ornstein-uhlenbeck")
    samples, seeds = points(problem, 2), np.array([5, 2])
    with caplog.at_level(logging.INFO, "jaxmorph"):
        cut = engine.evaluate(problem, samples, seeds, run_key=9, memory_limit=0)
    assert "evaluating pieces of 1 samples x 1 seeds" in caplog.text
    rows, columns = points(problem, 2)[[1]], seeds[[1, 0]]
    assert_same(engine.evaluate(problem, rows, columns, run_key=9), cut, [1], [1, 0])


def test_pieces_of_every_size_are_put_back_in_order() -> None:
    problem = problem_of("ornstein-uhlenbeck")
    samples, seeds = points(problem, 5), np.arange(3)
    whole = engine.evaluate(problem, samples, seeds, run_key=1, gradient="none")
    for size in ((2, 2), (3, 1)):  # neither divides 5 x 3
        with program.precision(problem), pytest.MonkeyPatch.context() as patch:
            keys = program.seed_keys(1, seeds)
            function = program.over_batch(lambda theta, key: program.values(problem, theta, key))
            patch.setattr(pieces, "_first_size", lambda *_, size=size: size)
            found = pieces.in_pieces(function, samples, keys, None)
        np.testing.assert_allclose(found, whole.value, rtol=1e-13, err_msg=str(size))


def test_the_key_of_a_seed_depends_on_its_number_alone() -> None:
    few, many = (np.asarray(program.seed_keys(5, np.arange(n))) for n in (3, 1000))
    np.testing.assert_array_equal(few, many[:3])
    np.testing.assert_array_equal(program.seed_keys(5, np.array([700, 2])), many[[700, 2]])
    assert len(np.unique(many, axis=0)) == 1000
    np.testing.assert_array_equal(many[:3], jax.random.split(jax.random.PRNGKey(5), 3))
    assert not np.array_equal(few, program.seed_keys(6, np.arange(3)))


def test_the_old_random_layout_is_refused() -> None:
    problem = problem_of("ornstein-uhlenbeck")
    with (
        jax.threefry_partitionable(False),
        pytest.raises(JaxmorphError, match=r"jax_threefry_partitionable = False: .*default \(True\)"),
    ):
        engine.evaluate(problem, points(problem, 1), np.arange(2), run_key=0)


def test_precision_is_the_settings_and_no_global_flag() -> None:
    single = load_problem("ishigami", {"precision": "float32"}, {"x1": "default"})
    double = load_problem("ishigami", {}, {"x1": "default"})
    sample, seeds = np.array([[0.3]]), np.arange(1)
    truth = np.sin(0.3) + 7 * np.sin(1) ** 2 + 0.1 * np.sin(0.3)
    for flag in (False, True):
        with jax.enable_x64(flag):
            a = engine.evaluate(single, sample, seeds, run_key=0)
            b = engine.evaluate(double, sample, seeds, run_key=0)
        assert a.gradient is not None and b.gradient is not None
        assert a.value.dtype == a.gradient.dtype == np.float32
        assert b.value.dtype == b.gradient.dtype == np.float64
        assert a.value.item() == pytest.approx(truth, rel=1e-6)
        assert b.value.item() == pytest.approx(truth, rel=1e-15)


def test_states_are_those_of_the_same_pairs() -> None:
    problem = problem_of("ornstein-uhlenbeck")
    samples, seeds = points(problem, 3), np.array([6, 2])
    stored = engine.simulate_states(problem, samples, seeds, run_key=4)
    value = engine.evaluate(problem, samples, seeds, run_key=4, gradient="none").value
    np.testing.assert_allclose(stored.time, np.arange(0, 21, 4) * 0.01, rtol=1e-15)
    np.testing.assert_allclose(stored.value, value, rtol=1e-13)
    position = stored.states["position"]
    assert position.shape == (3, 2, 6, 1, 2)
    np.testing.assert_allclose(position[:, :, :, 0, 0], value[..., 0], rtol=1e-13)
    np.testing.assert_allclose((position**2).sum(axis=(3, 4)), value[..., 1], rtol=1e-13)


# --- memory --------------------------------------------------------------------------------------


# Settings, two parameters and an observable of studies with many numbers of state.
LARGE_STATE: dict[str, tuple[dict[str, Any], tuple[str, str], str]] = {
    "ornstein-uhlenbeck": ({"n_dim": 3000}, ("k", "kT"), "squared_displacement"),
    "reference": (
        SMALL_REFERENCE | {"n_cells": 40, "relaxation_steps": 2}, ("epsilon", "kT"), "mean_distance"
    ),
}  # fmt: skip


def temporary_memory(study: str, mode: str, n_steps: int) -> float:
    """Bytes of temporaries of the compiled gradients of one simulation with two records."""
    settings, names, observable = LARGE_STATE[study]
    settings = settings | {"n_steps": n_steps, "record_every": n_steps}
    problem = load_problem(study, settings, dict.fromkeys(names, "default"), [observable])
    single = {"forward": program.forward, "reverse": program.reverse}[mode]
    with program.precision(problem):
        theta, key = jnp.array([3.0, 1.0]), jax.random.PRNGKey(0)
        lowered = jax.jit(
            lambda theta, key: single(lambda theta: program.values(problem, theta, key), theta)
        ).lower(theta, key)
        analysis = lowered.compile().memory_analysis()
    assert analysis is not None
    return analysis.temp_size_in_bytes


@pytest.mark.slow
@pytest.mark.parametrize("study", ["ornstein-uhlenbeck", "reference"])
def test_memory_grows_with_the_root_of_the_steps_in_reverse_and_not_at_all_in_forward_mode(
    study: str,
) -> None:
    few, many = 256, 4096
    keys = 16  # bytes of one step's key, which are there before the simulation starts
    memory = {
        mode: [temporary_memory(study, mode, n) - keys * n for n in (few, many)]
        for mode in ("reverse", "forward")
    }
    # 16 times the steps: 4 times the memory, and a tenth more.
    assert memory["reverse"][1] <= 4 * 1.1 * memory["reverse"][0], memory
    assert memory["forward"][1] <= 1.1 * memory["forward"][0], memory


# --- studies that raise --------------------------------------------------------------------------


class Fragile(jxm.Study):
    """Raises for some parameters and draws, when told to."""

    parameters = (
        jxm.Parameter("a", "1", "a number", 0.5, Uniform(low=0, high=1)),
        jxm.Parameter("b", "1", "another", 2.0, Uniform(low=1, high=3)),
    )
    observables = (jxm.Observable("y", "1", "what comes out"),)
    burst: float = 2.0

    def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
        u = jax.random.uniform(key)
        y = parameters["a"] * parameters["b"] + u
        bursts = (parameters["a"] > 0.8) & (u > self.burst)
        y = eqx.error_if(y, bursts, "the cells have burst")
        return jxm.Recording(jnp.zeros(1), {"y": y[None]})


def all_varied(study: jxm.Study) -> Problem:
    distributions = tuple(p.distribution for p in study.parameters)
    return Problem(study, study.parameters, distributions, {}, ("y",))


def test_a_study_that_raises_is_named_with_sample_seed_and_parameters() -> None:
    seeds = np.arange(12)
    with jax.enable_x64(True):
        draws = np.asarray(jax.vmap(jax.random.uniform)(program.seed_keys(1, seeds)))
    bad = int(draws.argmax())
    assert bad > 0
    problem = all_varied(Fragile(burst=float(np.sort(draws)[-2:].mean())))
    samples = np.array([[0.1, 1.5], [0.4, 2.5], [0.9, 1.25]])
    with pytest.raises(engine.StudyError) as raised:
        engine.evaluate(problem, samples, seeds, run_key=1)
    message = str(raised.value)
    assert message.count("\n") == 0
    for part in ("study Fragile raised", "the cells have burst", "sample 2 of the batch"):
        assert part in message
    assert message.endswith(f"seed {bad}, a = 0.90000000000000002, b = 1.25")
    renumbered = str(raised.value.renumbered(range(64, 68)))
    assert f"sample 66, seed {bad}, a = 0.9" in renumbered
    assert isinstance(raised.value, JaxmorphError)
    with pytest.raises(engine.StudyError) as again:
        engine.simulate_states(problem, samples, seeds, run_key=1)
    assert str(again.value) == message
    # All other pairs are fine.
    fine = engine.evaluate(problem, samples, np.delete(seeds, bad), run_key=1)
    np.testing.assert_allclose(
        fine.value[..., 0, 0], samples.prod(axis=1)[:, None] + np.delete(draws, bad), rtol=1e-14
    )


def test_times_that_depend_on_a_parameter_are_refused() -> None:
    class Moving(Fragile):
        def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
            recording = super().simulate(parameters, key)
            return dataclasses.replace(recording, time=parameters["a"][None])

    problem = all_varied(Moving())
    with pytest.raises(JaxmorphError, match=r"study Moving: .*times differ.*\(0\.25 and 0\.75 at the"):
        engine.evaluate(problem, np.array([[0.25, 1], [0.75, 1]]), np.arange(1), run_key=1)


def test_times_may_be_an_array_of_numpy() -> None:
    class Known(Fragile):
        def simulate(self, parameters: Mapping[str, Array], key: PRNGKeyArray) -> jxm.Recording:
            recording = super().simulate(parameters, key)
            known: Any = np.array([0.5])
            return dataclasses.replace(recording, time=known)

    result = engine.evaluate(all_varied(Known()), np.array([[0.25, 1]]), np.arange(1), run_key=1)
    np.testing.assert_array_equal(result.time, [0.5])
