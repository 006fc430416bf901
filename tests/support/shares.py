"""Functions on the unit cube whose shares of variance are known, and noise to hide them in."""

import dataclasses
import functools
import itertools
from collections.abc import Callable

import numpy as np

Function = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Points (sample, parameter) to values (sample) and gradients (sample, parameter)."""
G = np.array([0, 1, 4.5, 9])


def ishigami(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, z = np.pi * (2 * unit.T - 1)
    f = np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)
    slopes = [np.cos(x) * (1 + 0.1 * z**4), 7 * np.sin(2 * y), 0.4 * z**3 * np.sin(x)]
    return f, 2 * np.pi * np.stack(slopes, axis=1)


def sobol_g(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    factor = (np.abs(4 * unit - 2) + G) / (1 + G)
    f = factor.prod(axis=1)
    return f, f[:, None] / factor * 4 * np.sign(4 * unit - 2) / (1 + G)


def product(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factors 1 + a z of variance a^2: a third of the variance is interaction."""
    a = np.array([1.0, 0.7, 0.4])
    factor = 1 + a * 12**0.5 * (unit - 0.5)
    f = factor.prod(axis=1)
    others = [np.delete(factor, i, axis=1).prod(axis=1) for i in range(3)]
    return f, np.stack(others, axis=1) * a * 12**0.5


def exponential(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    e = np.exp(2 * unit[:, 0] + unit[:, 1])
    slopes = [2 * e + 3 * unit[:, 2], e, 3 * unit[:, 0]]
    return e + 3 * unit[:, 0] * unit[:, 2], np.stack(slopes, axis=1)


def ridge(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    t = np.tanh(4 * (unit[:, 0] - 0.5) + 3 * (unit[:, 1] - 0.3))
    f = t + 0.5 * unit[:, 2] ** 2
    return f, np.stack([4 * (1 - t**2), 3 * (1 - t**2), unit[:, 2]], axis=1)


def wavy(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, z = unit.T
    phase = np.pi * (2 * x + y * z)
    slopes = np.pi * np.cos(phase)[:, None] * np.stack([np.full_like(x, 2), z, y], axis=1)
    return np.sin(phase) + y, slopes + np.array([0.0, 1.0, 0.0])


def rational(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    above, below = 1 + 4 * unit[:, 0], 1 + unit[:, 1] + 2 * unit[:, 2]
    slopes = [4 / below, -above / below**2, -2 * above / below**2]
    return above / below, np.stack(slopes, axis=1)


FUNCTIONS: dict[str, Function] = {
    "ishigami": ishigami,
    "g": sobol_g,
    "product": product,
    "exponential": exponential,
    "ridge": ridge,
    "wavy": wavy,
    "rational": rational,
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A function and its shares.

    Attributes:
        n_parameters: Number of parameters.
        parts: First, total, Shapley, and of pairs, in the order of ``PartsOfVariance``.
    """

    n_parameters: int
    parts: np.ndarray


@functools.cache
def cases() -> dict[str, Case]:
    """Those of ``FUNCTIONS``: of products in closed form, of the others by quadrature."""
    d = dict.fromkeys(FUNCTIONS, 3) | {"g": 4}
    smooth = set(FUNCTIONS) - {"g", "product"}
    found = {name: Case(3, shares_of(name, 3)) for name in smooth}
    variances = {"g": 1 / 3 / (1 + G) ** 2, "product": np.array([1.0, 0.49, 0.16])}
    for name, v in variances.items():
        subsets = {c: float(np.prod(v[list(c)])) for c in _subsets(len(v))}
        found[name] = Case(d[name], _parts(subsets, d[name]))
    return found


def shares_of(name: str, d: int, nodes: int = 32) -> np.ndarray:
    """The parts of a smooth function, from conditional means on a Gauss-Legendre grid."""
    grid, w = _grid(d, nodes)
    f = FUNCTIONS[name](grid)[0].reshape([nodes] * d)
    closed: dict[tuple[int, ...], float] = {}
    for kept in ((), *_subsets(d)):
        mean, weight = f, np.ones(())
        for i in reversed(range(d)):
            if i not in kept:
                mean = np.tensordot(mean, w, axes=(i, 0))
        for _ in kept:
            weight = np.multiply.outer(weight, w)
        closed[kept] = float((mean**2 * weight).sum())
    subsets: dict[tuple[int, ...], float] = {}
    for one in _subsets(d):
        inner = [s for s in subsets if set(s) < set(one)]
        subsets[one] = closed[one] - closed[()] - sum(subsets[s] for s in inner)
    return _parts(subsets, d)


def curves_of(name: str, d: int, probability: np.ndarray) -> np.ndarray:
    """Main effects of a smooth function (parameter, point), on the same grid."""
    grid, w = _grid(d - 1, 32)
    weight = functools.reduce(np.multiply.outer, [w] * (d - 1)).ravel()
    effects = [
        [weight @ FUNCTIONS[name](np.insert(grid, i, p, axis=1))[0] for p in probability]
        for i in range(d)
    ]
    grid, w = _grid(d, 32)
    mean = functools.reduce(np.multiply.outer, [w] * d).ravel() @ FUNCTIONS[name](grid)[0]
    return np.array(effects) - mean


def _grid(d: int, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (point, parameter), and the weights of one dimension."""
    t, w = np.polynomial.legendre.leggauss(nodes)
    axes = np.meshgrid(*[(t + 1) / 2] * d, indexing="ij")
    return np.stack(axes, -1).reshape(-1, d), w / 2


def _subsets(d: int) -> list[tuple[int, ...]]:
    sizes = range(1, d + 1)
    return [c for size in sizes for c in itertools.combinations(range(d), size)]


def _parts(subsets: dict[tuple[int, ...], float], d: int) -> np.ndarray:
    whole = sum(subsets.values())
    first = [subsets[i,] for i in range(d)]
    total = [sum(v for s, v in subsets.items() if i in s) for i in range(d)]
    shapley = [sum(v / len(s) for s, v in subsets.items() if i in s) for i in range(d)]
    pairs = [subsets[s] for s in itertools.combinations(range(d), 2)]
    return np.array([*first, *total, *shapley, *pairs]) / whole


def linear_shares(
    slope: np.ndarray, covariance: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Of slope's for Gaussian s: the variance, and what is first, total and Shapley's of it."""
    return gaussian_shares(lambda known: float(slope @ known @ slope), covariance)


def gaussian_shares(
    explained: Callable[[np.ndarray], float], covariance: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Of a function of Gaussian s: the variance, and what is first, total and Shapley's of it.

    Args:
        explained: Var E[f | some] from the covariance of E[s | some], which is that of two draws of s
            with these in common, and nothing else.
        covariance: Of s.
    """
    d = len(covariance)

    @functools.cache
    def by(some: frozenset[int]) -> float:
        one = list(some)
        with_all = covariance[one]
        return explained(with_all.T @ np.linalg.solve(covariance[np.ix_(one, one)], with_all))

    everything = frozenset(range(d))
    whole = by(everything)
    first = [by(frozenset({i})) for i in range(d)]
    total = [whole - by(everything - {i}) for i in range(d)]
    # The mean over all orders of what a parameter adds to those before it.
    shapley = np.zeros(d)
    orders = list(itertools.permutations(range(d)))
    for order in orders:
        for place, i in enumerate(order):
            shapley[i] += by(frozenset(order[: place + 1])) - by(frozenset(order[:place]))
    return whole, np.array(first), np.array(total), shapley / len(orders)


def noisy(
    f: np.ndarray, g: np.ndarray, unit: np.ndarray, seeds: int, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """With skewed noise that is another at every sample; of gradients with twice as much."""
    n, d = unit.shape
    values = f[:, None] + size * f.std() * (rng.standard_exponential((n, seeds)) - 1)
    of_gradients = 2 * size * f.std() * 12**0.5 * rng.standard_normal((n, seeds, d))
    return values, g[:, None] + of_gradients


def common_noise(
    f: np.ndarray, g: np.ndarray, unit: np.ndarray, seeds: int, size: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """With a wave of its own for each seed, a smooth function of the parameters."""
    frequency = 3 * rng.standard_normal((seeds, unit.shape[1]))
    phase = unit @ frequency.T + 2 * np.pi * rng.random(seeds)
    scale = 2**0.5 * size * f.std()
    return (
        f[:, None] + scale * np.sin(phase),
        g[:, None] + scale * np.cos(phase)[..., None] * frequency,
    )
