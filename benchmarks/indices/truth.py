"""The indices that estimates are held against: closed forms, quadrature, or a very large run on file."""

import dataclasses
import datetime
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Self

import numpy as np
from scipy.stats import qmc

from jaxmorph.store import provenance

from .functions import Morris, SobolG
from .simulated import Simulated

FILE = Path(__file__).parent / "truth.json"
_BLOCKS, _BASE = 512, 64
"""The large run: so many Saltelli designs, of so many base samples each."""


@dataclasses.dataclass(frozen=True)
class Truth:
    """Indices of each parameter, how they were found, and what they may be wrong by.

    Attributes:
        first: First-order indices.
        total: Total indices.
        how: In a few words.
        error: The largest standard error, or change by a coarser grid; 0 of closed forms.
        sd: Of the average over noise, over the distributions.
    """

    first: list[float]
    total: list[float]
    how: str
    error: float
    sd: float

    @property
    def indices(self) -> np.ndarray:
        """First, then total."""
        return np.array([*self.first, *self.total])

    @classmethod
    def of(cls, parts: np.ndarray, variance: float, how: str, error: float = 0.0) -> Self:
        """From parts of the variance, first and total."""
        first, total = np.split(parts / variance, 2)
        return cls(first.tolist(), total.tolist(), how, error, variance**0.5)


def ishigami() -> Truth:
    """In closed form (a = 7, b = 0.1)."""
    b, p = 0.1, np.pi**4
    one, two = (1 + b * p / 5) ** 2 / 2, 49 / 8
    both = b**2 * p**2 * (1 / 18 - 1 / 50)
    parts = np.array([one, two, 0, one + both, two, both])
    return Truth.of(parts, one + two + both, "closed form")


def sobol_g() -> Truth:
    """In closed form: factors of mean 1."""
    v = 1 / 3 / (1 + np.array(SobolG.a)) ** 2
    whole = np.prod(1 + v)
    return Truth.of(np.array([*v, *(v * whole / (1 + v))]), float(whole) - 1, "closed form")


def morris() -> Truth:
    """In closed form: products of independent numbers w, each centred."""
    n = len(Morris.parameters)
    mean, square = np.zeros(n), np.full(n, 1 / 3)
    log = np.log(11)
    m, s = 1.1 * (1 - 0.1 * log), 1.1**2 * (1 - 0.2 * log + 0.01 * (10 - 1 / 1.1))
    curved = list(Morris.curved)
    mean[curved], square[curved] = 2 * m - 1, 4 * s - 4 * m + 1
    variance = square - mean**2
    centred: dict[tuple[int, ...], float] = {}
    for product, weight in Morris.coefficients.items():
        for size in range(len(product) + 1):
            for kept in itertools.combinations(product, size):
                others = [i for i in product if i not in kept]
                centred[kept] = centred.get(kept, 0.0) + weight * float(np.prod(mean[others]))
    parts = {k: c**2 * float(np.prod(variance[list(k)])) for k, c in centred.items() if k}
    first = [parts[i,] for i in range(n)]
    total = [sum(v for k, v in parts.items() if i in k) for i in range(n)]
    return Truth.of(np.array([*first, *total]), sum(parts.values()), "closed form")


def by_quadrature(simulated: Simulated, nodes: int, coarser: int) -> Truth:
    """Of a smooth function without noise, on Gauss and Legendre's grid."""
    fine, coarse = (_on_grid(simulated, n) for n in (nodes, coarser))
    return dataclasses.replace(fine, error=float(np.abs(fine.indices - coarse.indices).max()))


def _on_grid(simulated: Simulated, nodes: int) -> Truth:
    d = simulated.dimension
    t, w = np.polynomial.legendre.leggauss(nodes)
    t, w = (t + 1) / 2, w / 2
    grid = np.stack(np.meshgrid(*[t] * d, indexing="ij"), -1).reshape(-1, d)
    f = simulated.values(grid, np.arange(1))[:, 0].reshape([nodes] * d)

    def mean(x: np.ndarray, over: tuple[int, ...]) -> np.ndarray:
        for axis in sorted(over, reverse=True):
            x = np.tensordot(x, w, axes=(axis, 0))
        return np.asarray(x)

    everything = tuple(range(d))
    f = f - mean(f, everything)
    variance = float(mean(f**2, everything))
    first = [mean(mean(f, (*everything[:i], *everything[i + 1 :])) ** 2, (0,)) for i in range(d)]
    rest = [mean(mean(f, (i,)) ** 2, everything[:-1]) for i in range(d)]
    parts = np.array([*first, *(variance - np.array(rest))])
    return Truth.of(parts, variance, f"Gauss and Legendre's grid of {nodes}^{d} points")


def by_pairs(simulated: Simulated, blocks: int = _BLOCKS, base: int = _BASE) -> Truth:
    """Of the average over noise, from Saltelli designs with two seeds each that no other has.

    Products are of different seeds, so noise adds to none of them (Sobol's estimator of the first, 2001,
    Jansen's of the total, 1999). Without noise one simulation stands for both. The mean over the 2 n
    values of A and B is taken off, which has a part of each of them: what that does on average, to the
    first and to the variance, is made good.
    """
    d, found = simulated.dimension, []
    points = qmc.Sobol(2 * d, rng=0).random(blocks * base).reshape(blocks, base, 2 * d)
    for block, pair in enumerate(points):
        a, b = pair[:, :d], pair[:, d:]
        mixed = np.repeat(a[None], d, axis=0)
        mixed[np.arange(d), :, np.arange(d)] = b.T
        rows = np.concatenate([a[None], b[None], mixed]).reshape(-1, d)
        seeds = 2 * block + np.arange(2 if simulated.stochastic else 1)
        f = np.broadcast_to(simulated.values(rows, seeds), (len(rows), 2)).reshape(d + 2, base, 2)
        f = f - f[:2].mean(axis=(0, 1))
        fa, fb, fm = f[0], f[1], f[2:]
        variance = np.prod(f[:2], axis=-1).mean() / (1 - 1 / (2 * base))
        moved = fm - fa
        total = np.prod(moved, axis=-1).mean(axis=1) / 2
        first = (fb * moved[..., ::-1]).mean(axis=(1, 2)) - total / (2 * base)
        found.append([*first, *total, variance])
    each = np.array(found)
    whole = each.mean(axis=0)
    ratio = whole[:-1] / whole[-1]
    left = (each[:, :-1] - ratio * each[:, -1:]) / whole[-1]
    error = float((left.std(axis=0, ddof=1) / blocks**0.5).max())
    how = f"{blocks} Saltelli designs of {base} base samples"
    how += ", each with two seeds of its own" if simulated.stochastic else ""
    return Truth.of(whole[:-1], float(whole[-1]), how, error)


CLOSED: dict[str, Callable[[], Truth]] = {"ishigami": ishigami, "g": sobol_g, "morris": morris}


def known(name: str) -> Truth:
    """Of a case: in closed form, or from the file."""
    kind = name.removesuffix("-noise")
    if kind in CLOSED:
        return CLOSED[kind]()
    on_file = json.loads(FILE.read_text(encoding="utf-8"))
    entry = on_file.get(name) or on_file[kind]  # the average over noise of a function is the function
    return Truth(**{field.name: entry[field.name] for field in dataclasses.fields(Truth)})


def write(found: dict[str, Truth]) -> None:
    """To the file, with what made it."""
    origin = provenance("benchmark", {})
    made = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "commit": str(origin["git_commit"])[:12],
        "versions": json.loads(str(origin["library_versions"])),
    }
    entries = {name: {**dataclasses.asdict(truth), **made} for name, truth in found.items()}
    FILE.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
