"""What cells sense, and the equations inside them."""

import sys
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from jaxtyping import Array, Float
from scipy import linalg

import jaxmorph as jxm
from jaxmorph.env import GeneNetwork, Hill, Logistic, Network, Sensing
from jaxmorph.errors import JaxmorphError

pytestmark = pytest.mark.usefixtures("x64")


class State(jxm.BaseCellState):
    chemical: Float[Array, "cell chemical"]
    division_rate: Float[Array, "cell 1"]
    pressure: Float[Array, " cell"]
    gene: Float[Array, "cell gene"]


def make_state(n_cells: int = 5, n_dim: int = 2) -> State:
    rng = np.random.default_rng(0)
    arrays = {
        "position": rng.normal(size=(n_cells, n_dim)),
        "celltype": np.ones((n_cells, 1)),
        "radius": rng.uniform(0.2, 0.6, (n_cells, 1)),
        "chemical": rng.uniform(0.1, 2.0, (n_cells, 2)),
        "division_rate": np.full((n_cells, 1), 9.0),
        "pressure": rng.normal(size=n_cells),
        "gene": rng.uniform(0.1, 1.0, (n_cells, 3)),
    }
    return State(*jxm.space.free(), **{name: jnp.asarray(x) for name, x in arrays.items()})


# --- responses --------------------------------------------------------------------------------------


def test_hill_functions_are_their_formula() -> None:
    c = np.array([[0.0], [0.3], [1.0], [2.0], [1e200]])
    power = np.array([0.0, 0.3**3, 1.0, 8.0, np.inf])
    share = np.array([*(power[:4] / (0.7**3 + power[:4])), 1.0])
    hill = Hill(threshold=0.7, exponent=jnp.asarray(3.0), lowest=0.5, highest=2.0)
    np.testing.assert_allclose(hill(jnp.asarray(c))[:, 0], 0.5 + 1.5 * share, rtol=1e-13)
    less = eqx.tree_at(lambda h: h.lowest, Hill(0.7, 3.0, represses=True, highest=2.0), 0.5)
    np.testing.assert_allclose(less(jnp.asarray(c))[:, 0], 0.5 + 1.5 * (1 - share), rtol=1e-13)


def test_hill_functions_of_several_inputs_are_a_product() -> None:
    c = np.array([[0.4, 3.0], [2.0, 0.1]])
    both = Hill(jnp.asarray([0.5, 2.0]), jnp.asarray([1.0, 4.0]), represses=(False, True))
    desired = c[:, 0] / (0.5 + c[:, 0]) * 2**4 / (2**4 + c[:, 1] ** 4)
    np.testing.assert_allclose(both(jnp.asarray(c))[:, 0], desired, rtol=1e-13)


def test_hill_functions_have_finite_gradients_at_0_and_below() -> None:
    for exponent in (1.0, 2.0, 3.5):
        hill = Hill(jnp.asarray(0.8), jnp.asarray(exponent))
        of_c = jax.grad(lambda c, hill=hill: hill(c)[0, 0])
        # The slope at 0 is 1 / K for n = 1, halved at the kink of what is below 0.
        assert of_c(jnp.zeros((1, 1)))[0, 0] == pytest.approx(0.5 / 0.8 if exponent == 1 else 0)
        assert of_c(jnp.full((1, 1), -1.0))[0, 0] == 0
        of_hill = eqx.filter_grad(lambda hill: hill(jnp.zeros((1, 1)))[0, 0])(hill)
        assert all(jnp.isfinite(g) for g in jax.tree.leaves(of_hill))


def test_a_logistic_response_is_its_formula() -> None:
    rng = np.random.default_rng(1)
    weights, bias, c = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=(5, 2))
    response = Logistic(jnp.asarray(weights), jnp.asarray(bias), lowest=-1.0, highest=2.0)
    desired = -1 + 3 / (1 + np.exp(-(c @ weights.T + bias)))
    np.testing.assert_allclose(response(jnp.asarray(c)), desired, rtol=1e-13)


def test_a_network_is_applied_to_each_cell() -> None:
    mlp = eqx.nn.MLP(2, 3, 4, 1, activation=jnp.tanh, key=jax.random.PRNGKey(0))
    c = np.random.default_rng(2).normal(size=(5, 2))
    first, last = mlp.layers
    hidden = np.tanh(c @ np.asarray(first.weight).T + np.asarray(first.bias))
    desired = 2 / (1 + np.exp(-(hidden @ np.asarray(last.weight).T + np.asarray(last.bias))))
    np.testing.assert_allclose(Network(mlp, highest=2.0)(jnp.asarray(c)), desired, rtol=1e-12)


RESPONSES = [
    lambda: Hill(jnp.asarray([0.7, 0.9, 1.1]), jnp.asarray(2.0)),
    lambda: Logistic(jnp.asarray([[0.5, -1.0, 0.7]]), jnp.asarray(0.1)),
    lambda: Network(eqx.nn.MLP(3, 1, 4, 1, jnp.tanh, dtype=float, key=jax.random.PRNGKey(0))),
]


@pytest.mark.parametrize("make", RESPONSES)
def test_sensing_sets_a_field_of_living_cells(make: Any) -> None:
    state = make_state().elongate(2)
    step = Sensing((("chemical", 1), "radius", "pressure"), "division_rate", make())
    after = eqx.filter_jit(step)(state)
    sensed = np.column_stack([state.chemical[:5, 1], state.radius[:5, 0], state.pressure[:5]])
    np.testing.assert_allclose(after.division_rate[:5], step.response(jnp.asarray(sensed)), rtol=1e-13)
    np.testing.assert_array_equal(after.division_rate[5:], 0)
    order = np.random.default_rng(3).permutation(7)
    permuted = step(jax.tree.map(lambda x: x[order], state))
    np.testing.assert_allclose(permuted.division_rate, after.division_rate[order], rtol=1e-13)

    varied, rest = eqx.partition(step.response, eqx.is_inexact_array)

    def f(chemical: Array, radius: Array, varied: Any) -> Array:
        changed = eqx.tree_at(lambda s: (s.chemical, s.radius), state, (chemical, radius))
        response = eqx.combine(varied, rest)
        return jnp.sum(Sensing(step.inputs, step.output, response)(changed).division_rate ** 2)

    at = (state.chemical + 0.01, state.radius + 0.01, varied)
    check_grads(jax.jit(f), at, order=1, modes=("fwd", "rev"), rtol=1e-6, eps=1e-6)


@pytest.mark.usefixtures("mistyped")
def test_mistakes_in_sensing_are_said_in_one_line() -> None:
    state, c = make_state(), jnp.ones((5, 2))
    for message, call in {
        "Sensing: State has no field 'oxygen'; add it to State": lambda: Sensing(
            ("oxygen",), "division_rate", Hill()
        )(state),
        "column 2 of 'chemical': the field has columns 0 to 1": lambda: Sensing(
            (("chemical", 2),), "division_rate", Hill()
        )(state),
        "1 values per cell for the field 'gene'": lambda: Sensing(("radius",), "gene", Hill())(state),
        "inputs = 'chemical': must be a tuple": lambda: Sensing("chemical", "gene", Hill()),  # type: ignore[arg-type]
        r"threshold of shape \(3,\): the Hill function has 2 inputs": lambda: Hill(jnp.ones(3))(c),
        r"weights of shape \(1, 3\): must be \(output, 2\)": lambda: Logistic(jnp.ones((1, 3)))(c),
        "the network has 3 inputs, and cells sense 2": lambda: RESPONSES[2]()(c),
    }.items():
        with pytest.raises(JaxmorphError, match=message):
            call()


# --- gene networks ----------------------------------------------------------------------------------

W = np.array([[0.2, -0.7, 0.0], [0.5, 0.1, -0.3], [0.0, 0.6, -0.4]])
V = np.array([[0.3, -0.2], [0.0, 0.5], [0.8, 0.1]])


def identity(x: Array) -> Array:
    return x


def network(**changes: Any) -> GeneNetwork:
    fields: dict[str, Any] = {"bias": 0.1, "production": 1.2, "degradation": jnp.asarray(0.9)}
    fields |= {"inputs": ("chemical",), "duration": 1.5, "solver_steps": 40, **changes}
    return GeneNetwork(interactions=jnp.asarray(W), sensitivities=jnp.asarray(V), **fields)


def test_a_linear_network_is_a_matrix_exponential() -> None:
    state = make_state().elongate(1)
    matrix = 1.2 * W - 0.9 * np.eye(3)
    drive = 1.2 * (np.asarray(state.chemical) @ V.T + 0.1)
    rest = np.linalg.solve(matrix, -drive.T).T
    desired = rest + (np.asarray(state.gene) - rest) @ linalg.expm(1.5 * matrix).T
    desired[5] = 0  # dead
    step = network(activation=identity)
    after = eqx.filter_jit(step)(state)
    np.testing.assert_allclose(after.gene, desired, rtol=1e-9)
    # Of fifth order: half the steps, 32 times the error.
    errors = [
        np.abs(eqx.filter_jit(network(activation=identity, solver_steps=n))(state).gene - desired).max()
        for n in (2, 4)
    ]
    assert 4.0 < np.log2(errors[0] / errors[1]) < 6.5


def test_a_network_comes_to_rest() -> None:
    """At rest, production equals degradation."""
    state = make_state()
    gene = eqx.filter_jit(network(duration=60.0, solver_steps=300))(state).gene
    drive = np.asarray(gene) @ W.T + np.asarray(state.chemical) @ V.T + 0.1
    np.testing.assert_allclose(gene, 1.2 / (1 + np.exp(-drive)) / 0.9, rtol=1e-10)


def test_a_network_has_exact_gradients_in_both_modes() -> None:
    state = make_state()

    @jax.jit
    def f(interactions: Array, gene: Array, chemical: Array, duration: Array) -> Array:
        changed = eqx.tree_at(lambda s: (s.gene, s.chemical), state, (gene, chemical))
        step = network(duration=duration, solver_steps=3)
        step = eqx.tree_at(lambda s: s.interactions, step, interactions)
        return jnp.sum(step(changed).gene ** 2)

    at = (jnp.asarray(W), state.gene, state.chemical, jnp.asarray(1.5))
    check_grads(f, at, order=1, modes=("fwd", "rev"), rtol=1e-7, eps=1e-5)


def test_a_network_works_in_a_long_simulation_and_a_batch() -> None:
    model = jxm.Sequential(
        [
            network(solver=diffrax.Heun(), solver_steps=2, duration=0.1),
            Sensing((("gene", 0),), "division_rate", Hill(jnp.asarray(0.5))),
        ]
    )
    state, key = make_state(), jax.random.PRNGKey(0)

    def rate(bias: Array) -> Array:
        changed = eqx.tree_at(lambda m: m[0].bias, model, bias)
        return jxm.simulate(changed, state, key, 20, checkpoint=True).division_rate.sum()

    biases = jnp.asarray([0.1, 0.4])
    both = jax.vmap(jax.grad(rate))(biases)
    assert both[0] == pytest.approx(float(jax.jacfwd(rate)(biases[0])), rel=1e-10)
    step = 1e-5
    central = (rate(biases[1] + step) - rate(biases[1] - step)) / (2 * step)
    assert both[1] == pytest.approx(float(central), rel=1e-7)


def test_mistakes_in_control_are_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    state = make_state()
    with pytest.raises(JaxmorphError, match="solver_steps = 0: must be at least 1"):
        network(solver_steps=0)
    with pytest.raises(JaxmorphError, match=r"sensitivities of shape \(3, 2\): must be \(3, 1\)"):
        network(inputs=("radius",))(state)
    with pytest.raises(JaxmorphError, match="must be an explicit solver"):
        network(solver=diffrax.Kvaerno3())(state)
    with pytest.raises(JaxmorphError, match="GeneNetwork: State has no field 'levels'"):
        network(variables="levels")(state)
    monkeypatch.setitem(sys.modules, "diffrax", None)
    with pytest.raises(JaxmorphError, match=r"Diffrax, .* is not installed: pip install diffrax"):
        network()(state)
