"""Chemicals: special functions, the field of one cell, of many, and the equation that they solve."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import integrate, sparse, special

import jaxmorph as jxm
from jaxmorph.env.chemicals import (
    ChemicalState,
    DiffusionKernel,
    ExponentialKernel,
    ScreenedDiffusion,
    Secretion,
    SurfaceKernel,
    UniformKernel,
)
from jaxmorph.env.chemicals.bessel import k0e, k1e
from jaxmorph.errors import JaxmorphError

PEERS = Path(__file__).parents[1] / ".bench-packages"  # where `make bench` installs jax-morph

pytestmark = pytest.mark.usefixtures("x64")

KERNELS = [UniformKernel(), SurfaceKernel(), ExponentialKernel()]


# --- Bessel functions -------------------------------------------------------------------------------


@pytest.mark.parametrize(("ours", "scipys"), [(k0e, special.k0e), (k1e, special.k1e)])
def test_bessel_functions_are_scipys(ours: Callable, scipys: Callable) -> None:
    x = np.concatenate([np.logspace(-300, 4, 2001), np.linspace(1.9, 2.1, 201), [2.0]])
    np.testing.assert_allclose(ours(jnp.asarray(x)), scipys(x), rtol=1e-13)
    single = np.logspace(-30, 3, 501, dtype=np.float32)
    actual = ours(jnp.asarray(single))
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, scipys(single.astype(float)), rtol=3e-6)


def test_bessel_functions_have_exact_derivatives() -> None:
    x = np.concatenate([np.logspace(-6, 1.5, 101), [2.0]])
    k0, k1 = special.k0e(x), special.k1e(x)
    first = jax.vmap(jax.grad(k0e))
    np.testing.assert_allclose(first(jnp.asarray(x)), k0 - k1, rtol=1e-11)
    np.testing.assert_allclose(jax.vmap(jax.grad(k1e))(jnp.asarray(x)), k1 - k0 - k1 / x, rtol=1e-11)
    second = jax.vmap(jax.grad(jax.grad(k0e)))(jnp.asarray(x))
    np.testing.assert_allclose(second, 2 * (k0 - k1) + k1 / x, rtol=1e-9)


# --- the field of one cell --------------------------------------------------------------------------


def field(
    kernel: DiffusionKernel,
    distance: Any,
    radius: float,
    diffusion: float,
    length: float,
    n_dim: int,
    dtype: Any = float,
) -> jax.Array:
    of_cell = (jnp.asarray(radius, dtype), jnp.asarray(diffusion, dtype), jnp.asarray(length, dtype))
    return field_compiled(kernel, jnp.asarray(distance, dtype), *of_cell, n_dim)


@eqx.filter_jit
def field_compiled(
    kernel: DiffusionKernel,
    distance: jax.Array,
    radius: jax.Array,
    diffusion: jax.Array,
    length: jax.Array,
    n_dim: int,
) -> jax.Array:
    return kernel(distance, radius, diffusion, length, n_dim)


def mean_over_the_cell(r: float, radius: float, n_dim: int) -> float:
    """The mean over a disc or ball of the field of a point, with D = k = 1, by quadrature.

    Over a circle of radius s it is I0(min) K0(max) / (2 pi), over a sphere
    sinh(min) exp(-max) / (4 pi r s), where min and max are those of r and s.
    """

    def at(s: float) -> float:
        low, high = min(r, s), max(r, s)
        if n_dim == 2:
            grown = special.i0e(low) * special.k0e(high) * np.exp(low - high)
            return 2 * s / radius**2 * grown / (2 * np.pi)
        grown = -np.expm1(-2 * low) / (2 * low) * np.exp(low - high) / high
        return 3 * s**2 / radius**3 * grown / (4 * np.pi)

    inside = [r] if r < radius else []
    return integrate.quad(at, 0, radius, points=inside or None, epsabs=0, epsrel=1e-13, limit=200)[0]


@pytest.mark.parametrize("n_dim", [2, 3])
@pytest.mark.parametrize("radius", [1e-4, 0.1, 0.9, 1.1, 1.9, 2.1, 30.0, 900.0])
def test_the_uniform_kernel_is_the_mean_over_the_cell(n_dim: int, radius: float) -> None:
    for r in (1e-3 * radius, 0.5 * radius, 0.99 * radius, 1.01 * radius, 1.5 * radius, radius + 3.0):
        actual = field(UniformKernel(), r, radius, 1.0, 1.0, n_dim)
        desired = mean_over_the_cell(r, radius, n_dim)
        assert actual == pytest.approx(desired, rel=2e-12, abs=1e-300), (r, radius)


@pytest.mark.parametrize("n_dim", [2, 3])
def test_single_precision_loses_no_digits_near_the_limits(n_dim: int) -> None:
    for radius in (1e-3, 0.5, 2.0, 50.0):
        for r in (0.0, 0.7 * radius, 2 * radius):
            at, of = (float(np.float32(x)) for x in (r, radius))
            actual = field(UniformKernel(), at, of, 1.0, 1.0, n_dim, np.float32)
            assert actual.dtype == np.float32
            desired = float(field(UniformKernel(), at, of, 1.0, 1.0, n_dim))
            # The exponential of a large number has its error times that.
            assert actual == pytest.approx(desired, rel=1e-5 if r < 20 else 1e-4)


@pytest.mark.parametrize("n_dim", [2, 3])
@pytest.mark.parametrize("radius", [0.05, 0.7, 6.0])
def test_degradation_takes_away_what_is_secreted(n_dim: int, radius: float) -> None:
    """k times the integral of c over the plane or space is 1."""
    diffusion, degradation = 0.6, 1.7
    length = np.sqrt(diffusion / degradation)

    def shell(r: float) -> float:
        c = float(field(UniformKernel(), r, radius, diffusion, length, n_dim))
        return degradation * c * (2 * np.pi * r if n_dim == 2 else 4 * np.pi * r**2)

    total = integrate.quad(shell, 0, radius, epsrel=1e-10)[0]
    total += integrate.quad(shell, radius, radius + 40 * length, epsrel=1e-10, limit=200)[0]
    assert total == pytest.approx(1, rel=1e-9)


def test_limits_of_the_field_in_three_dimensions() -> None:
    def at(r: float, radius: float, length: float) -> float:
        return float(field(UniformKernel(), r, radius, 0.7, length, 3))

    # Without degradation: Coulomb's field of a charged ball.
    assert at(0.9, 0.4, 1e9) == pytest.approx(1 / (4 * np.pi * 0.7 * 0.9), rel=1e-8)
    inside = (3 * 0.4**2 - 0.2**2) / (8 * np.pi * 0.7 * 0.4**3)
    assert at(0.2, 0.4, 1e9) == pytest.approx(inside, rel=1e-8)
    # A large cell degrades within itself what it secretes: c = s / k.
    filled = 0.5**2 / 0.7 / (4 / 3 * np.pi * 60**3)
    assert at(0.0, 60.0, 0.5) == pytest.approx(filled, rel=1e-12)
    # A small one is a point: screened Coulomb.
    point = np.exp(-0.9 / 0.5) / (4 * np.pi * 0.7 * 0.9)
    assert at(0.9, 1e-7, 0.5) == pytest.approx(point, rel=1e-12)


@pytest.mark.parametrize("n_dim", [2, 3])
def test_the_surface_kernel_lets_out_what_is_secreted(n_dim: int) -> None:
    """The flux through the surface, -D dc/dr times its size, is 1."""
    slope = jax.grad(lambda r: field(SurfaceKernel(), r, 0.4, 0.7, 0.9, n_dim))(0.4 + 1e-9)
    size = 2 * np.pi * 0.4 if n_dim == 2 else 4 * np.pi * 0.4**2
    assert -0.7 * slope * size == pytest.approx(1, rel=1e-7)


@pytest.mark.slow
@pytest.mark.skipif(not PEERS.exists(), reason="jax-morph is installed by make bench")
@pytest.mark.parametrize("n_dim", [2, 3])
def test_the_surface_kernel_is_jax_morphs(n_dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PEERS))
    from jax_morph.physics.diffusion import FreeScreenedDiffusion

    step = FreeScreenedDiffusion(n_field_species=1, n_space_dim=n_dim)
    r, radius = jnp.linspace(0.0, 5.0, 101)[:, None], jnp.asarray([0.1, 0.5, 1.0])
    desired = step._kernel(r, radius, 1 / 0.8, 0.7)
    actual = SurfaceKernel()(r, radius, jnp.asarray(0.7), jnp.asarray(0.8), n_dim)
    np.testing.assert_allclose(actual, desired, rtol=1e-6)


def test_the_exponential_kernel_is_its_formula() -> None:
    D, k, r = 0.7, 1.3, 0.9
    desired = np.exp(-r * np.sqrt(k / D)) / (2 * np.sqrt(D * k))
    assert field(ExponentialKernel(), r, 0.2, D, np.sqrt(D / k), 2) == pytest.approx(desired, rel=1e-13)


# --- many cells -------------------------------------------------------------------------------------


def make_state(n_dim: int = 2, n_cells: int = 6, seed: int = 0, space: Any = None) -> ChemicalState:
    rng = np.random.default_rng(seed)
    types = np.eye(2)[np.arange(n_cells) % 2]
    arrays = {
        "position": rng.normal(size=(n_cells, n_dim)),
        "celltype": types,
        "radius": rng.uniform(0.2, 0.6, (n_cells, 1)),
        "chemical": np.zeros((n_cells, 3)),
        "secretion": rng.uniform(0.1, 1.0, (n_cells, 3)),
    }
    return ChemicalState(*(space or jxm.space.free()), **{n: jnp.asarray(x) for n, x in arrays.items()})


def replaced(state: ChemicalState, **fields: Any) -> ChemicalState:
    def of(state: ChemicalState) -> tuple:
        return tuple(getattr(state, name) for name in fields)

    return eqx.tree_at(of, state, tuple(jnp.asarray(value) for value in fields.values()))


DIFFUSION, DEGRADATION = np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.3, 4.0])


def make_spread(kernel: DiffusionKernel = KERNELS[0]) -> ScreenedDiffusion:
    return ScreenedDiffusion(jnp.asarray(DIFFUSION), jnp.asarray(DEGRADATION), kernel)


@eqx.filter_jit
def concentrations(state: ChemicalState, spread: ScreenedDiffusion | None = None) -> jax.Array:
    return (spread or make_spread())(state).chemical


@pytest.mark.parametrize("n_dim", [2, 3])
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
def test_concentrations_are_sums_over_cells(n_dim: int, kernel: DiffusionKernel) -> None:
    state = make_state(n_dim)
    x, radius, secretion = (np.asarray(a) for a in (state.position, state.radius, state.secretion))
    desired = np.zeros((6, 3))
    for chemical, (D, k) in enumerate(zip(DIFFUSION, DEGRADATION, strict=True)):
        for j in range(6):
            r, length = np.linalg.norm(x - x[j], axis=1), np.sqrt(D / k)
            of_one = field(kernel, r, radius[j, 0], D, float(length), n_dim)
            desired[:, chemical] += secretion[j, chemical] * np.asarray(of_one)
    np.testing.assert_allclose(concentrations(state, make_spread(kernel)), desired, rtol=1e-12)
    # One number for all chemicals is the same as that number for each.
    one, many = ScreenedDiffusion(0.5, 2.0, kernel), ScreenedDiffusion(jnp.full(3, 0.5), 2.0, kernel)
    np.testing.assert_allclose(concentrations(state, one), concentrations(state, many), rtol=1e-12)


def finite_differences(n: int, half: float, discs: np.ndarray, D: float, k: float) -> tuple:
    """D lap c - k c + s = 0 on n x n nodes, c = 0 around; discs are rows (x, y, radius, secretion)."""
    axis, h = np.linspace(-half, half, n + 2, retstep=True)
    axis = axis[1:-1]
    fine = (np.arange(8) + 0.5) / 8 - 0.5
    source = np.zeros((n, n))
    for x, y, radius, secretion in discs:
        sx, sy = (((axis[:, None] + h * fine) - centre).reshape(-1) for centre in (x, y))
        share = (sx[:, None] ** 2 + sy**2 < radius**2).reshape(n, 8, n, 8).mean(axis=(1, 3))
        source += secretion * share / (share.sum() * h**2)
    second = sparse.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(n, n)) / h**2
    eye = sparse.eye_array(n)
    matrix = k * sparse.eye_array(n * n) - D * (sparse.kron(second, eye) + sparse.kron(eye, second))
    return axis, sparse.linalg.spsolve(matrix.tocsc(), source.reshape(-1)).reshape(n, n)


def test_the_field_solves_the_equation_on_a_grid() -> None:
    """The error of finite differences falls as the square of the grid's spacing, to 0.1 % here."""
    D, k, half = 0.5, 2.0, 5.0
    discs = np.array([[0.0, 0.1, 0.5, 1.0], [0.9, -0.4, 0.4, 2.0], [-0.6, -0.7, 0.3, 0.7]])
    state = replaced(
        make_state(n_cells=3),
        position=discs[:, :2],
        radius=discs[:, 2:3],
        secretion=discs[:, 3:] * [1, 0, 0],
    )
    of_points = jax.jit(ScreenedDiffusion(D, k).concentration)
    errors = []
    for n in (49, 99, 199):
        axis, c = finite_differences(n, half, discs, D, k)
        grid = jnp.asarray(np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2))
        exact = of_points(state, grid)[:, 0].reshape(n, n)
        errors.append(np.sqrt(np.mean((c - exact) ** 2) / np.mean(exact**2)))
    assert errors[2] < 1e-3
    assert errors[0] / errors[2] > 4**1.7
    h = axis[1] - axis[0]
    assert k * h**2 * np.sum(exact) == pytest.approx(3.7, rel=1e-3)


def rotation(n_dim: int, rng: np.random.Generator) -> np.ndarray:
    return np.linalg.qr(rng.normal(size=(n_dim, n_dim)))[0]


@pytest.mark.parametrize("n_dim", [2, 3])
def test_concentrations_do_not_depend_on_the_frame_or_the_order(n_dim: int) -> None:
    state = make_state(n_dim)
    rng = np.random.default_rng(1)
    c = concentrations(state)
    turned = np.asarray(state.position) @ rotation(n_dim, rng) + rng.normal(size=n_dim)
    np.testing.assert_allclose(concentrations(replaced(state, position=turned)), c, rtol=1e-12)
    order = rng.permutation(6)
    permuted = concentrations(jax.tree.map(lambda x: x[order], state))
    np.testing.assert_allclose(permuted, c[order], rtol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
def test_dead_slots_neither_secrete_nor_sense(kernel: DiffusionKernel) -> None:
    spread = make_spread(kernel)
    state = make_state()
    full = state.elongate(2)
    full = replaced(
        full, secretion=full.secretion.at[6:].set(9.0), chemical=full.chemical.at[6:].set(7.0)
    )
    after = concentrations(full, spread)
    np.testing.assert_allclose(after[:6], concentrations(state, spread), rtol=1e-12)
    np.testing.assert_array_equal(after[6:], 7.0)

    def total(state: ChemicalState, spread: ScreenedDiffusion) -> jax.Array:
        return jnp.sum(spread(state).chemical[:6] ** 2)

    gradients = eqx.filter_jit(jax.grad(total, argnums=(0, 1)))(full, spread)
    assert all(jnp.isfinite(g).all() for g in jax.tree.leaves(gradients))
    for of_slots in jax.tree.leaves(gradients[0]):
        np.testing.assert_array_equal(of_slots[6:], 0)


@pytest.mark.parametrize("n_dim", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
def test_one_cell_and_cells_at_the_same_point(n_dim: int, kernel: DiffusionKernel) -> None:
    spread = ScreenedDiffusion(1.0, 1.0, kernel)
    one = replaced(make_state(n_dim, 1), radius=[[0.5]], secretion=[[1.0, 2.0, 0.0]])
    alone = concentrations(one, spread)
    of_one = field(kernel, 0.0, 0.5, 1.0, 1.0, n_dim)
    np.testing.assert_allclose(alone, of_one * np.array([[1, 2, 0]]), rtol=1e-12)
    both = jax.tree.map(lambda x: jnp.concatenate([x, x]), one)
    np.testing.assert_allclose(concentrations(both, spread), 2 * jnp.concatenate([alone, alone]))
    gradient = jax.jit(jax.grad(lambda s: jnp.sum(spread(s).chemical)))(both)
    np.testing.assert_array_equal(gradient.position, 0)
    assert all(jnp.isfinite(g).all() for g in jax.tree.leaves(gradient))


@pytest.mark.slow
@pytest.mark.parametrize("n_dim", [2, 3])
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
def test_gradients_are_finite_differences(n_dim: int, kernel: DiffusionKernel) -> None:
    """In positions, radii, secretion, diffusion and degradation; cells overlap, so both sides count."""
    state = make_state(n_dim)
    spread = make_spread(kernel)
    weights = jnp.asarray(np.random.default_rng(3).normal(size=(6, 3)))

    @jax.jit
    def f(varied: tuple) -> jax.Array:
        position, radius, secretion, diffusion, degradation = varied
        moved = eqx.tree_at(
            lambda s: (s.position, s.radius, s.secretion), state, (position, radius, secretion)
        )
        by = eqx.tree_at(lambda s: (s.diffusion, s.degradation), spread, (diffusion, degradation))
        return jnp.sum(weights * by(moved).chemical)

    at = (state.position, state.radius, state.secretion, spread.diffusion, spread.degradation)
    check_grads(f, (at,), order=1, modes=("fwd", "rev"), rtol=1e-7, atol=1e-8, eps=1e-5)


def test_a_batch_is_what_each_alone_is() -> None:
    states = [make_state(seed=seed) for seed in range(3)]
    batch = jax.tree.map(lambda *x: jnp.stack(x), *states)
    together = jax.vmap(concentrations)(batch)
    np.testing.assert_allclose(together, [concentrations(s) for s in states], rtol=1e-13)


def test_cells_secrete_what_their_type_does() -> None:
    rates = jnp.asarray([[1.0, 0.0, 2.0], [0.0, 3.0, 0.5]])
    state = make_state(n_cells=4).elongate(1)
    after = Secretion(rates)(state)
    np.testing.assert_array_equal(after.secretion, [*rates, *rates, np.zeros(3)])
    by_rates = jax.grad(lambda rates: jnp.sum(Secretion(rates)(state).secretion))(rates)
    np.testing.assert_array_equal(by_rates, 2)


@pytest.mark.parametrize(
    "other",
    [jxm.space.periodic(9.0), (lambda a, b: (a - b + 4.5) % 9 - 4.5, lambda x, dx: (x + dx) % 9)],
)
def test_periodic_space_is_refused(other: tuple) -> None:
    state = make_state(space=other)
    for call in (make_spread(), concentrations):
        with pytest.raises(JaxmorphError, match="ScreenedDiffusion: the state is in periodic space"):
            call(state)


def test_free_space_of_another_library_is_free() -> None:
    state = make_state(space=(lambda a, b: a - b, lambda x, dx: x + dx))
    np.testing.assert_allclose(concentrations(state), concentrations(make_state()), rtol=1e-13)


def test_mistakes_are_said_in_one_line() -> None:
    state = make_state()
    plain = jxm.BaseCellState(*jxm.space.free(), state.position, state.celltype, state.radius)
    with pytest.raises(JaxmorphError, match="ScreenedDiffusion: BaseCellState has no field 'chemical'"):
        make_spread()(plain)
    with pytest.raises(JaxmorphError, match="Secretion: BaseCellState has no field 'secretion'"):
        Secretion(jnp.ones((2, 3)))(plain)
    with pytest.raises(
        JaxmorphError, match=r"rates of shape \(3, 3\): must have a row for each of the 2"
    ):
        Secretion(jnp.ones((3, 3)))(state)
    with pytest.raises(JaxmorphError, match="2 values per cell for the field 'secretion'"):
        Secretion(jnp.ones((2, 2)))(state)
    with pytest.raises(JaxmorphError, match=r"diffusion of shape \(2,\).*the state has 3 chemicals"):
        ScreenedDiffusion(jnp.ones(2))(state)
    with pytest.raises(JaxmorphError, match="degradation = 0: must be above 0"):
        ScreenedDiffusion(1.0, 0)
