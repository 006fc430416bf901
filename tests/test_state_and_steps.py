"""Cell states, growth, sequences of steps, and running them."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Array, Float, PRNGKeyArray

import jaxmorph as jxm
from jaxmorph.env.mechanics import BrownianMechanicalRelaxation, MorsePotential
from jaxmorph.errors import JaxmorphError

pytestmark = pytest.mark.usefixtures("x64")


class ChemicalState(jxm.BaseCellState):
    chemical: Float[Array, "cell chem"]


def make_state(n_cells: int = 4, seed: int = 0) -> ChemicalState:
    rng = np.random.default_rng(seed)
    return ChemicalState(
        *jxm.space.free(),
        position=jnp.asarray(rng.normal(size=(n_cells, 2))),
        celltype=jnp.ones((n_cells, 1)),
        radius=jnp.asarray(rng.uniform(0.1, 0.5, (n_cells, 1))),
        chemical=jnp.asarray(rng.uniform(size=(n_cells, 3))),
    )


FIELDS = ("position", "celltype", "radius", "chemical")


def assert_same_state(actual: Any, desired: Any, rtol: float = 0) -> None:
    for name in FIELDS:
        np.testing.assert_allclose(
            getattr(actual, name), getattr(desired, name), rtol=rtol, atol=rtol, err_msg=name
        )


# --- state ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_dim", "n_types"), [(2, 1), (3, 4)])
def test_an_empty_state_has_no_cells(n_dim: int, n_types: int) -> None:
    state = jxm.BaseCellState.empty(n_dim=n_dim, n_cell_types=n_types)
    assert state.position.shape == (0, n_dim)
    assert state.celltype.shape == (0, n_types)
    assert state.radius.shape == (0, 1)
    assert state.alive.shape == (0,)
    np.testing.assert_array_equal(state.displacement(jnp.ones(2), jnp.zeros(2)), [1, 1])
    grown = state.elongate(3)
    assert grown.position.shape == (3, n_dim)
    assert not grown.alive.any()


def test_an_empty_state_takes_the_fields_of_a_subclass() -> None:
    state = ChemicalState.empty(chemical=jnp.zeros((0, 3)))
    assert isinstance(state, ChemicalState)
    assert state.elongate(2).chemical.shape == (2, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_dim": 1}, "n_dim = 1: a state has 2 or 3 dimensions"),
        ({"n_dim": 4}, "n_dim = 4: a state has 2 or 3 dimensions"),
        ({"n_cell_types": 0}, "n_cell_types = 0: a state has at least 1 cell type"),
    ],
)
def test_an_impossible_empty_state_is_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(JaxmorphError, match=message):
        jxm.BaseCellState.empty(**arguments)


def test_elongate_adds_dead_slots_in_every_field() -> None:
    state = make_state()
    longer = state.elongate(2)
    assert isinstance(longer, ChemicalState)
    for name in FIELDS:
        before, after = getattr(state, name), getattr(longer, name)
        np.testing.assert_array_equal(after[:4], before, err_msg=name)
        np.testing.assert_array_equal(after[4:], 0, err_msg=name)
        assert after.dtype == before.dtype
    np.testing.assert_array_equal(longer.alive, [True] * 4 + [False] * 2)
    assert_same_state(state.elongate(0), state)
    with pytest.raises(JaxmorphError, match=r"n_add = -1: .*see delete"):
        state.elongate(-1)


@pytest.mark.parametrize("indices", [1, -1, [0, 2], np.array([3, 3]), []])
def test_delete_removes_slots_in_every_field(indices: Any) -> None:
    state = make_state()
    shorter = state.delete(indices)
    assert isinstance(shorter, ChemicalState)
    for name in FIELDS:
        desired = np.delete(np.asarray(getattr(state, name)), np.asarray(indices, int), axis=0)
        np.testing.assert_array_equal(getattr(shorter, name), desired, err_msg=name)


@pytest.mark.parametrize(("indices", "outside"), [(4, r"\[4\]"), ([0, -5, 7], r"\[-5, 7\]")])
def test_delete_names_slots_that_do_not_exist(indices: Any, outside: str) -> None:
    with pytest.raises(JaxmorphError, match=f"indices = {outside}: the state has slots 0 to 3"):
        make_state().delete(indices)


# --- growth --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    radius=st.lists(st.floats(0, 3), min_size=4, max_size=4),
    rate=st.floats(-0.2, 0.5),
    max_radius=st.floats(0.2, 3),
    k=st.sampled_from([0, 0.0, 1.0, 10.0, 300.0]),
    kind=st.sampled_from(["linear", "exponential"]),
)
def test_growth_follows_its_formula(
    radius: list[float], rate: float, max_radius: float, k: float, kind: Any
) -> None:
    r = np.array(radius)[:, None]
    x = r + rate if kind == "linear" else r * np.exp(rate)
    with np.errstate(over="ignore"):
        s = 1 / (1 + np.exp(-k * (x - max_radius)))
    desired = np.minimum(x, max_radius) if k == 0 else x * (1 - s) + max_radius * s
    desired[2] = 0  # this slot is dead
    with jax.enable_x64(True):
        state = eqx.tree_at(lambda s: s.radius, make_state(), jnp.asarray(r))
        state = eqx.tree_at(lambda s: s.celltype, state, state.celltype.at[2].set(0))
        growth = jxm.env.CellGrowth(
            growth_rate=rate, max_radius=max_radius, growth_type=kind, smoothing_exp=k
        )
        grown = growth(state)
    np.testing.assert_allclose(grown.radius, desired, rtol=1e-13, atol=1e-15)
    for name in ("position", "celltype", "chemical"):
        np.testing.assert_array_equal(getattr(grown, name), getattr(state, name))


@pytest.mark.usefixtures("mistyped")
def test_growth_refuses_another_type() -> None:
    with pytest.raises(JaxmorphError, match=r"growth_type = 'cubic': use 'linear' or 'exponential'"):
        jxm.env.CellGrowth(growth_type="cubic")  # type: ignore[arg-type]


# --- steps ---------------------------------------------------------------------------------------


class Secretion(jxm.SimulationStep):
    """A user's step: one chemical decays, one jumps at random."""

    decay: float | Array = 0.9

    def __call__(self, state: Any, *, key: PRNGKeyArray | None = None) -> Any:
        assert key is not None
        jump = jax.random.normal(key, state.chemical[:, 1].shape)
        chemical = state.chemical.at[:, 0].multiply(self.decay).at[:, 1].add(jump)
        return eqx.tree_at(lambda s: s.chemical, state, chemical)


def steps() -> list[jxm.SimulationStep]:
    return [jxm.env.CellGrowth(), Secretion(), Secretion(decay=0.5)]


def test_a_sequence_is_a_sequence() -> None:
    parts = steps()
    model = jxm.Sequential(parts)
    assert len(model) == 3
    assert list(model) == parts
    assert model[0] is parts[0]
    assert model[-1] is parts[2]
    part = model[1:]
    assert isinstance(part, jxm.Sequential)
    assert list(part) == parts[1:]
    assert len(model[:0]) == 0
    with pytest.raises(IndexError):
        model[3]


@pytest.mark.usefixtures("mistyped")
def test_a_sequence_holds_steps_only() -> None:
    with pytest.raises(JaxmorphError, match=r"substeps\[1\] = 'growth': .*SimulationStep instances"):
        jxm.Sequential([jxm.env.CellGrowth(), "growth"])  # type: ignore[list-item]


def test_a_sequence_gives_each_step_one_key_of_its_own() -> None:
    state, key = make_state(), jax.random.PRNGKey(7)
    desired = state
    for step, step_key in zip(steps(), jax.random.split(key, 3), strict=True):
        desired = step(desired, key=step_key)
    model = eqx.filter_jit(jxm.Sequential(steps()))
    assert_same_state(model(state, key=key), desired, rtol=1e-15)
    growth = jxm.Sequential(steps()[:1])
    assert_same_state(growth(state), growth[0](state))
    nested = jxm.Sequential([jxm.Sequential(steps())])
    outer = jax.random.split(key, 1)[0]
    assert_same_state(eqx.filter_jit(nested)(state, key=key), model(state, key=outer), rtol=1e-15)


# --- simulation ----------------------------------------------------------------------------------

KEY = jax.random.PRNGKey(11)
# Below and above the shortest run that is cut into blocks, with a remainder and without.
RUNS = [(27, False), (3, True), (16, True), (27, True)]


class Decay(eqx.Module):
    """x <- rate x + noise: cheap to compile, and every step's key matters."""

    rate: float | Array = 0.9

    def __call__(self, state: dict[str, Array], *, key: PRNGKeyArray) -> dict[str, Array]:
        return {"x": self.rate * state["x"] + jax.random.uniform(key)}


START = 2.0


def by_hand(n_steps: int, rate: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """x and dx / drate after 0, 1, ..., n_steps steps."""
    noise = np.asarray(jax.vmap(jax.random.uniform)(jax.random.split(KEY, n_steps)))
    x, slope = [START], [0.0]
    for u in noise:
        x, slope = [*x, rate * x[-1] + u], [*slope, x[-1] + rate * slope[-1]]
    return np.array(x), np.array(slope)


@pytest.mark.parametrize(("n_steps", "checkpoint"), RUNS)
def test_simulate_is_a_loop_over_steps(n_steps: int, checkpoint: bool) -> None:
    @jax.jit
    def run(rate: Array) -> tuple[Array, Array]:
        state, model = {"x": jnp.asarray(START)}, Decay(rate)
        last = jxm.simulate(model, state, KEY, n_steps, checkpoint=checkpoint)
        history = jxm.simulate(model, state, KEY, n_steps, history=True, checkpoint=checkpoint)
        return last["x"], history["x"]

    x, slope = by_hand(n_steps)
    rate = jnp.asarray(0.9)
    for derivative, desired in ((run, x), (jax.jacrev(run), slope), (jax.jacfwd(run), slope)):
        last, history = derivative(rate)
        assert last == pytest.approx(desired[-1], rel=1e-13)
        np.testing.assert_allclose(history, desired[1:], rtol=1e-13)


@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_history_of_cells_has_a_leading_axis_of_time(checkpoint: bool) -> None:
    model, state = jxm.Sequential(steps()), make_state()
    step = eqx.filter_jit(model)
    states = [state]
    for key in jax.random.split(KEY, 18):
        states.append(step(states[-1], key=key))
    history = jxm.simulate(model, state, KEY, 18, history=True, checkpoint=checkpoint)
    assert isinstance(history, ChemicalState)
    for name in FIELDS:
        desired = np.stack([getattr(s, name) for s in states[1:]])
        np.testing.assert_allclose(getattr(history, name), desired, rtol=1e-13, atol=1e-13)
    assert history.alive.shape == (18, 4)


@pytest.mark.parametrize(("n_steps", "every"), [(12, 3), (40, 20)])
def test_record_measures_the_states_of_simulate(n_steps: int, every: int) -> None:
    @jax.jit
    def run(rate: Array) -> tuple[Array, Array]:
        return jxm.record(
            Decay(rate),
            {"x": jnp.asarray(START)},
            KEY,
            n_steps,
            every=every,
            measure=lambda s: (s["x"], s["x"] ** 2),
        )

    x, slope = (values[::every] for values in by_hand(n_steps))
    recorded, squared = run(jnp.asarray(0.9))
    np.testing.assert_allclose(recorded, x, rtol=1e-13)
    np.testing.assert_allclose(squared, x**2, rtol=1e-13)
    for jacobian in (jax.jacrev(run), jax.jacfwd(run)):
        np.testing.assert_allclose(jacobian(jnp.asarray(0.9))[0], slope, rtol=1e-13)


def test_a_state_may_be_any_pytree_and_a_model_any_function() -> None:
    def double(state: dict[str, Array], *, key: PRNGKeyArray) -> dict[str, Array]:
        del key
        return {"x": 2 * state["x"]}

    last = jxm.simulate(double, {"x": jnp.asarray(3.0)}, KEY, 5)
    assert last["x"] == 96
    kept = jxm.record(double, {"x": jnp.asarray(3.0)}, KEY, 4, every=2, measure=lambda s: s["x"])
    np.testing.assert_array_equal(kept, [3, 12, 48])


def test_impossible_runs_are_refused() -> None:
    model, state = jxm.env.CellGrowth(), make_state()
    with pytest.raises(JaxmorphError, match="n_steps = 0: a simulation has at least 1 step"):
        jxm.simulate(model, state, KEY, 0)
    for every, n_steps in ((3, 10), (0, 10), (1, 0)):
        message = f"record_every = {every}: must be at least 1 and divide n_steps = {n_steps}"
        with pytest.raises(JaxmorphError, match=message):
            jxm.record(model, state, KEY, n_steps, every=every, measure=lambda s: s.radius)


# --- periodic space ------------------------------------------------------------------------------


def test_without_forces_a_periodic_run_is_the_free_run_wrapped() -> None:
    side = 1.5
    free = make_state()
    box = eqx.tree_at(lambda s: s.position, free, free.position % side)
    box = ChemicalState(*jxm.space.periodic(side), *(getattr(box, name) for name in FIELDS))
    motion = BrownianMechanicalRelaxation(MorsePotential(epsilon=0.0), 4, dt=0.02)
    end_free = jxm.simulate(motion, free, KEY, 20).position
    end_box = jxm.simulate(motion, box, KEY, 20).position
    np.testing.assert_allclose(end_box, end_free % side, atol=1e-12)
    assert np.abs(end_free).max() > side


def test_cells_interact_across_the_faces_of_a_periodic_box() -> None:
    side = 5.0
    space = jxm.space.periodic(side)
    middle = make_state(6, seed=1)
    inside = eqx.tree_at(lambda s: s.position, middle, 2.5 + 0.5 * middle.position)
    potential = MorsePotential(epsilon=1.0, alpha=1.5, r_onset=1.5, r_cutoff=2.0)
    motion = BrownianMechanicalRelaxation(potential, 4, dt=1e-3)
    positions = []
    for offset in (0.0, 2.5):  # in the middle, and around a corner, of the same box
        x = (inside.position + offset) % side
        state = ChemicalState(*space, x, inside.celltype, inside.radius, inside.chemical)
        positions.append(jxm.simulate(motion, state, KEY, 20).position)
    np.testing.assert_allclose(positions[1], (positions[0] + 2.5) % side, atol=1e-11)
    free = ChemicalState(*jxm.space.free(), *(getattr(inside, name) for name in FIELDS))
    np.testing.assert_allclose(jxm.simulate(motion, free, KEY, 20).position, positions[0], atol=1e-11)


@pytest.mark.usefixtures("mistyped")
def test_delete_takes_a_mask_and_refuses_what_is_neither_mask_nor_index() -> None:
    displacement, shift = jxm.space.free()
    position = jnp.arange(8.0).reshape(4, 2)
    state = jxm.BaseCellState(displacement, shift, position, jnp.ones((4, 1)), jnp.ones((4, 1)))
    assert state.delete(np.zeros(4, bool)).position.shape == (4, 2)
    mask = np.array([True, False, False, True])
    np.testing.assert_array_equal(state.delete(mask).position, position[1:3])
    for wrong in (np.zeros(3, bool), 0.5, "last"):
        with pytest.raises(jxm.JaxmorphError, match=r"must be whole numbers, or a mask of shape \(4,\)"):
            state.delete(wrong)  # type: ignore[arg-type]
    with pytest.raises(jxm.JaxmorphError, match=r"n_add = 1\.5: must be a whole number"):
        state.elongate(1.5)  # type: ignore[arg-type]


@pytest.mark.usefixtures("mistyped")
def test_parts_that_cannot_work_are_refused_when_they_are_made() -> None:
    displacement, shift = jxm.space.free()
    with pytest.raises(jxm.JaxmorphError, match="with the same number of cells"):
        jxm.BaseCellState(displacement, shift, jnp.ones((4, 2)), jnp.ones((3, 1)), jnp.ones((4, 1)))
    with pytest.raises(jxm.JaxmorphError, match=r"r_onset = 15\.0, r_cutoff = 10\.0"):
        jxm.env.mechanics.MorsePotential(r_onset=15.0, r_cutoff=10.0)
    with pytest.raises(jxm.JaxmorphError, match=r"side = -1\.0"):
        jxm.space.periodic(-1.0)
