"""Division, death and lineage: what is conserved, who descends from whom, and gradients of the mean."""

import logging
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, PRNGKeyArray
from scipy import stats
from support.populations import population

import jaxmorph as jxm
from jaxmorph import engine
from jaxmorph.env import CellDeath, CellDivision, LineageState, nan_where_missed
from jaxmorph.errors import JaxmorphError
from jaxmorph.simulation import bernoulli, categorical

KEY = jax.random.PRNGKey(3)


class Coloured(LineageState):
    colour: Array


def founders(n: int = 4, n_slots: int = 20, n_dim: int = 2, **options: Any) -> Coloured:
    """Cells of two types, far apart."""
    rng = np.random.default_rng(n_dim)
    return Coloured.founders(
        jnp.asarray(10.0 * np.arange(n)[:, None] + rng.uniform(0, 1, (n, n_dim))),
        jnp.asarray(np.eye(2)[np.arange(n) % 2]),
        jnp.asarray(rng.uniform(0.3, 0.6, (n, 1))),
        n_slots=n_slots,
        colour=jnp.asarray(rng.uniform(0, 1, (n, 3))),
        **options,
    )


def at_rate(state: Coloured, rate: Any, field: str = "division_rate") -> Coloured:
    rates = jnp.zeros((state.position.shape[0], 1)).at[: len(rate), 0].set(jnp.asarray(rate, float))
    return eqx.tree_at(lambda s: getattr(s, field), state, rates)


@eqx.filter_jit
def after_step(step: Any, state: Coloured) -> Coloured:
    return step(state, key=KEY)


# --- one step ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_dim", "given"),
    [
        (2, True),
        (3, False),
        *(pytest.param(n, given, marks=pytest.mark.slow) for n, given in ((2, False), (3, True))),
    ],
)
def test_daughters_share_what_the_mother_had(x64: None, n_dim: int, given: bool) -> None:
    state = at_rate(founders(n_dim=n_dim), [1e9, 0, 1e9, 0])
    axis = jnp.asarray([0.0, 3.0, 0.0][:n_dim]) if given else None
    after = eqx.filter_jit(CellDivision(axis=axis))(state, key=KEY)
    np.testing.assert_array_equal(after.alive, [True] * 6 + [False] * 14)
    for mother, (first, second) in ((0, (0, 4)), (2, (2, 5))):
        daughters = np.array([first, second])
        volume = sum(after.radius[d, 0] ** n_dim for d in daughters)
        assert volume == pytest.approx(float(state.radius[mother, 0]) ** n_dim, rel=1e-13)
        between = after.position[first] - after.position[second]
        contact = float(after.radius[first, 0] + after.radius[second, 0])
        assert float(jnp.linalg.norm(between)) == pytest.approx(contact, rel=1e-13)
        middle = (after.position[first] + after.position[second]) / 2
        np.testing.assert_allclose(middle, state.position[mother], rtol=1e-13)
        if given:
            assert abs(float(between[1])) == pytest.approx(contact, rel=1e-13)
        for name in ("celltype", "colour", "division_rate", "death_rate"):
            for d in daughters:
                np.testing.assert_array_equal(getattr(after, name)[d], getattr(state, name)[mother])
        np.testing.assert_array_equal(after.mother[daughters], mother)
        np.testing.assert_array_equal(after.birth[daughters], 1)
        np.testing.assert_array_equal(after.generation[daughters], 1)
    np.testing.assert_array_equal(after.number[:6], [4, 1, 6, 3, 5, 7])
    assert (int(after.n_numbers), int(after.n_missed), int(after.step)) == (8, 0, 1)
    # The others, and slots that stay free, are as they were.
    rest = np.array([1, 3, *range(6, 20)])
    for name in ("position", "celltype", "radius", "colour", "division_rate", "number", "mother"):
        np.testing.assert_array_equal(getattr(after, name)[rest], getattr(state, name)[rest])


def test_random_axes_are_uniform_over_directions(x64: None) -> None:
    state = at_rate(founders(1, 2, n_dim=3), [1e9])
    step = CellDivision()
    after = jax.jit(jax.vmap(lambda key: step(state, key=key).position))(jax.random.split(KEY, 3000))
    axis = np.asarray(after[:, 0] - after[:, 1])
    axis = axis / np.linalg.norm(axis, axis=1, keepdims=True)
    # Archimedes: each component of a uniform direction in 3-D is uniform on [-1, 1].
    for component in axis.T:
        assert stats.kstest(component, stats.uniform(-1, 2).cdf).pvalue > 0.01


def test_a_full_state_counts_what_it_misses(x64: None) -> None:
    state = at_rate(founders(4, 6), [1e9] * 4)
    after = after_step(CellDivision(), state)
    assert int(after.alive.sum()) == 6 and int(after.n_missed) == 2
    # Who found no slot is as before.
    np.testing.assert_array_equal(after.radius[2:4], state.radius[2:4])
    np.testing.assert_array_equal(after.number[2:4], [2, 3])
    again = after_step(CellDivision(events="one"), at_rate(after, [0, 1]))
    assert int(again.n_missed) == 3 and int(again.alive.sum()) == 6
    assert np.isnan(nan_where_missed(again, jnp.asarray(1.0)))
    assert nan_where_missed(state, jnp.asarray(1.0)) == 1.0


def test_the_slots_of_the_dead_are_used_again(x64: None) -> None:
    state = at_rate(at_rate(founders(4, 4), [0, 1e9, 0, 0], "death_rate"), [0, 0, 0, 1e9])
    dead = after_step(CellDeath(), state)
    np.testing.assert_array_equal(dead.alive, [True, False, True, True])
    assert float(dead.radius[1, 0]) == 0
    born = after_step(CellDivision(), dead)
    np.testing.assert_array_equal(born.number, [0, 5, 2, 4])
    np.testing.assert_array_equal(born.mother, [-1, 3, -1, 3])


@eqx.filter_jit
def after_with_slope(step: Any, state: Coloured) -> tuple[Coloured, Array]:
    """The state after a step, and the derivative of its positions' sum by the radii."""

    def moved(radius: Array) -> tuple[Array, Coloured]:
        after = step(eqx.tree_at(lambda x: x.radius, state, radius), key=KEY)
        return jnp.sum(after.position), after

    slope, after = jax.grad(moved, has_aux=True)(state.radius)
    return after, slope


@pytest.mark.parametrize(
    ("events", "n_cells"),
    [
        ("independent", 4),
        ("one", 0),
        pytest.param("independent", 0, marks=pytest.mark.slow),
        pytest.param("one", 4, marks=pytest.mark.slow),
    ],
)
def test_without_rates_or_cells_nothing_happens_to_states_and_gradients(
    x64: None, events: Any, n_cells: int
) -> None:
    step = jxm.Sequential([CellDivision(events=events), CellDeath(events=events)])
    quiet = founders(n_cells)
    after, slope = after_with_slope(step, quiet)
    for name in ("position", "celltype", "radius", "number"):
        np.testing.assert_array_equal(getattr(after, name), getattr(quiet, name))
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        (CellDivision, "independent"),
        (CellDeath, "one"),
        pytest.param(CellDivision, "one", marks=pytest.mark.slow),
        pytest.param(CellDeath, "independent", marks=pytest.mark.slow),
    ],
)
def test_events_have_the_probabilities_of_their_rates(x64: None, events: Any, kind: Any) -> None:
    """And a cell's chance does not depend on its slot, also beside dead ones."""
    rates, dt, n = np.array([0.5, 0.0, 2.0, 1.0]), 0.3, 6000
    field = "division_rate" if kind is CellDivision else "death_rate"
    state = at_rate(founders(4, 9), rates, field)
    step = kind(dt=dt, events=events)

    def events_in(state: Coloured, key: PRNGKeyArray) -> Array:
        after = step(state, key=key)
        return after.generation > 0 if kind is CellDivision else state.alive & ~after.alive

    order = np.array([7, 2, 0, 8, 1, 3, 6, 5, 4])  # cells in slots 2, 4, 1 and 5
    moved = jax.tree.map(lambda x: x[order] if x.ndim else x, state)
    truth = -np.expm1(-rates * dt) if events == "independent" else rates / rates.sum()
    for cells, slots in ((state, [0, 1, 2, 3]), (moved, [2, 4, 1, 5])):
        happened = jax.jit(jax.vmap(lambda key, s=cells: events_in(s, key)))(jax.random.split(KEY, n))
        share = np.asarray(happened).mean(axis=0)[slots]
        assert share[1] == 0
        z = (share - truth)[[0, 2, 3]] / np.sqrt(truth * (1 - truth) / n)[[0, 2, 3]]
        assert np.all(np.abs(z) < 3), z
        if events == "one" and kind is CellDeath:
            np.testing.assert_array_equal(np.asarray(happened).sum(axis=1), 1)


def test_volume_is_conserved_and_numbers_are_unique_over_many_divisions(x64: None) -> None:
    state = founders(3, 60, division_rate=0.5)
    states = jxm.simulate(CellDivision(dt=0.4), state, KEY, 12, history=True)
    alive = np.asarray(states.alive)
    assert np.all(np.diff(alive.sum(axis=1)) >= 0) and alive[-1].sum() > 20
    np.testing.assert_allclose(
        np.sum(np.asarray(states.radius)[..., 0] ** 2, axis=1), np.sum(state.radius**2), rtol=1e-12
    )
    last, numbers = alive[-1], np.asarray(states.number)
    assert len(set(numbers[-1][last])) == last.sum()
    born = dict(zip(numbers[alive], np.asarray(states.birth)[alive], strict=True))
    mothers = dict(zip(numbers[alive], np.asarray(states.mother)[alive], strict=True))
    generations = dict(zip(numbers[alive], np.asarray(states.generation)[alive], strict=True))
    for number, mother in mothers.items():
        if mother >= 0 and mother in born:
            assert born[number] > born[mother]
            assert generations[number] == generations[mother] + 1


def test_the_clones_and_ages_of_a_known_tree(x64: None) -> None:
    """Founder 1 divides in step 1, its second daughter in step 2, founder 0 in step 3."""
    state = founders(2, 6)
    np.testing.assert_array_equal(state.clone[:2], [0, 1])
    states = []
    for slots in ([0, 1e9], [0, 0, 1e9], [1e9]):
        state = after_step(CellDivision(), at_rate(state, slots))
        states.append(state)
    tree = jax.tree.map(lambda *x: jnp.stack(x), *states)
    n_alive = [3, 4, 5]
    clones = [[0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1, 0]]
    ages = [[1, 0, 0], [2, 1, 0, 0], [0, 2, 1, 1, 0]]
    for i, n in enumerate(n_alive):
        np.testing.assert_array_equal(tree.alive[i], np.arange(6) < n)
        np.testing.assert_array_equal(tree.clone[i, :n], clones[i])
        np.testing.assert_array_equal(tree.age[i, :n], ages[i])
        np.testing.assert_array_equal(states[i].age, tree.age[i])


@pytest.mark.usefixtures("mistyped")
def test_an_impossible_step_is_refused_in_one_line() -> None:
    plain = jxm.BaseCellState(*jxm.space.free(), jnp.ones((2, 2)), jnp.ones((2, 1)), jnp.ones((2, 1)))
    with pytest.raises(
        JaxmorphError, match=r"CellDivision: BaseCellState has no field 'division_rate', .*; use jaxm"
    ):
        CellDivision()(plain, key=KEY)
    with pytest.raises(
        JaxmorphError, match=r"CellDeath: BaseCellState has no field 'death_rate'; use jaxmorph"
    ):
        CellDeath()(plain, key=KEY)
    with pytest.raises(JaxmorphError, match="key = None: CellDivision needs a random key"):
        CellDivision()(founders())
    with pytest.raises(JaxmorphError, match="events = 'two'"):
        CellDeath(events="two")  # type: ignore[arg-type]
    with pytest.raises(JaxmorphError, match="n_slots = 3: must be at least the 4 founders"):
        founders(4, 3)


# --- gradients of the mean -----------------------------------------------------------------------


@pytest.mark.slow
def test_the_score_of_a_yule_process_is_that_of_its_mean() -> None:
    """E[N] = N0 (2 - exp(-lambda dt))^n; as dt falls, N0 exp(lambda t) (known answer 6)."""
    rate, n0, t, seeds = 0.8, 3, 1.0, np.arange(16_000)

    def truth(n: int) -> tuple[float, float]:
        """The mean and its derivative, of the scheme of n steps."""
        factor = 2 - np.exp(-rate * t / n)
        return n0 * factor**n, n0 * factor ** (n - 1) * t * np.exp(-rate * t / n)

    for n in (20, 100):
        problem = population(n_steps=n, dt=t / n)
        result = engine.evaluate(problem, np.array([[rate, 0.5]]), seeds, run_key=0, estimator="score")
        assert result.gradient is not None and np.all(np.isfinite(result.gradient))
        mean, slope = truth(n)
        number, draws = result.value[0, :, 2, 0], result.gradient[0, :, 2, 0, 0]
        assert abs(number.mean() - mean) < 3 * stats.sem(number)
        assert abs(draws.mean() - slope) < 3 * stats.sem(draws)
        assert stats.sem(draws) < 0.02 * slope
        np.testing.assert_array_equal(result.gradient[0, :, :, 0, 1], 0)  # the size changes no number
    # The scheme tends to the process: both errors are of order dt, and vanish when extrapolated.
    process = np.array([n0 * np.exp(rate * t), n0 * t * np.exp(rate * t)])
    coarse, fine = np.array(truth(1000)), np.array(truth(2000))
    assert np.all(np.abs(fine / process - 1) < 2e-3)
    np.testing.assert_allclose(2 * fine - coarse, process, rtol=2e-6)


def test_pathwise_gradients_leave_choices_out_and_say_so(caplog: pytest.LogCaptureFixture) -> None:
    sample = np.array([[0.8, 0.5]])
    line = (
        r"estimator = pathwise: study Population draws discrete choices .* depend on birth; .*use score"
    )
    problem = population(observables=("number", "volume"))
    with caplog.at_level(logging.WARNING):
        result = engine.evaluate(problem, sample, np.arange(50), run_key=0)
    assert result.gradient is not None
    np.testing.assert_array_equal(result.gradient[..., 0, :], 0)
    np.testing.assert_allclose(result.gradient[0, :, :, 1, 1], 2 * 3 * 0.5, rtol=1e-12)
    (message,) = [r.getMessage() for r in caplog.records if "pathwise:" in r.getMessage()]
    with pytest.raises(JaxmorphError, match=line) as error:
        engine.check_estimator(problem, "pathwise")
    assert str(error.value) == message
    with pytest.raises(JaxmorphError, match="depend on birth, size;"):  # nothing is known of a jit
        engine.check_estimator(population(own_jit=True), "pathwise")
    # Where no parameter changes a choice, there is nothing to say.
    engine.check_estimator(population(("size",)), "pathwise")
    for estimator in ("score", "smoothed"):
        engine.check_estimator(problem, estimator)
    engine.check_estimator(problem, "pathwise", "none")


def test_choices_that_are_none_have_no_derivative(x64: None) -> None:
    """At a probability of 0 or 1, and among weights of which some or all are 0."""
    from jaxmorph.tracing import LogDensity, using

    def log_density(p: Array, w: Array) -> Array:
        instrument = LogDensity()
        with using(instrument):
            chosen = bernoulli(KEY, p)
            categorical(KEY, w)
        np.testing.assert_array_equal(jax.lax.stop_gradient(chosen)[:2], [False, True])
        return instrument.at(1)[0]

    p, w = jnp.asarray([0.0, 1.0, 0.3]), jnp.asarray([0.0, 2.0, 0.0])
    (by_p, by_w), value = jax.grad(log_density, (0, 1))(p, w), log_density(p, w)
    np.testing.assert_array_equal(by_p[:2], 0)
    assert np.isfinite(value) and abs(by_p[2]) > 1
    np.testing.assert_allclose(by_w[1], 0, atol=1e-15)  # the only one there is
    nothing = jax.grad(log_density, 1)(p, jnp.zeros(3))
    np.testing.assert_array_equal(nothing, 0)
