"""Functions whose gradients miss nothing, some that miss jumps, and designs on which to tell which."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy.special import ndtr, ndtri

from jaxmorph.designs import (
    Design,
    FastDesign,
    LatinHypercubeDesign,
    SaltelliDesign,
    SobolDesign,
    make_design,
)
from jaxmorph.distributions import Distribution, Uniform

from .one_run import by_parts

UNIT = Uniform(low=0, high=1)
JUMPING: list[Distribution] = [
    Uniform(low=1, high=5),
    Uniform(low=0.2, high=0.6),
    Uniform(low=1, high=5),
]
SMOOTHING = 0.05

Gradients = Literal["pathwise", "score", "smoothed"]


def jumps(v: np.ndarray, rng: np.random.Generator, seeds: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Study `Jumps` of the cases, at parameters with probabilities ``v``."""
    size = rng.random((seeds, 40))
    normal, coin = rng.standard_normal(seeds), rng.random(seeds)
    return jumps_of(v, np.column_stack([normal, ndtri(coin), ndtri(size)]))


def jumps_of(v: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Floor, share above a threshold, a raw choice; a smooth term of a. ``noise``: (seed, 42)."""
    n, p, a = 1 + 4 * v[:, :1], 0.2 + 0.4 * v[:, 1:2], 1 + 4 * v[:, 2:]
    size = 1 + 4 * ndtr(noise[:, 2:])
    count = np.floor(n) * (1 + 0.05 * noise[:, 0]) + 0.2 * a
    share = (size > n[..., None]).sum(axis=-1) + 0.2 * a
    f = np.stack([count, share, (ndtr(noise[:, 1]) < p) * 1.0], axis=-1)
    g = np.zeros((*f.shape, 3))
    g[:, :, :2, 2] = 0.2
    return f, g


def functions(v: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smooth functions with complete gradients: linear, Ishigami, an OU process, exponential, a wave."""
    x = np.pi * (2 * v - 1)
    z = noise[None]
    one = np.ones_like(z)
    zero = 0 * v[:, :1] * z
    a, b, c = (v[:, i : i + 1] for i in range(3))
    xa, xb, xc = (x[:, i : i + 1] for i in range(3))
    f, g = [], []

    def add(value: np.ndarray, *slopes: np.ndarray) -> None:
        f.append(value + zero)
        g.append(np.stack([slope + zero for slope in slopes], axis=-1))

    add((3 * a + b) * (1 + 0.5 * z), 3 * (1 + 0.5 * z), 1 + 0.5 * z, zero)
    s = 2 * np.pi * one
    add(
        (np.sin(xa) + 7 * np.sin(xb) ** 2 + 0.1 * xc**4 * np.sin(xa)) * one,
        s * np.cos(xa) * (1 + 0.1 * xc**4),
        s * 14 * np.sin(xb) * np.cos(xb),
        s * 0.4 * xc**3 * np.sin(xa),
    )
    k, start = 0.5 + 2.5 * a, 4 * b
    decay = np.exp(-2 * k)
    sd = np.sqrt((1 - decay) / (2 * k))
    by_k = (2 * k * decay - (1 - decay)) / (4 * k**2 * sd)
    add(start * np.exp(-k) + sd * z, 2.5 * (by_k * z - start * np.exp(-k)), 4 * np.exp(-k) * one, zero)
    e = np.exp(3 * a + 2 * b) * (1 + 0.3 * z)
    add(e, 3 * e, 2 * e, zero)
    angle = 4 * np.pi * a
    add(3 * np.sin(angle) + 0.5 * c + 0.1 * z, 12 * np.pi * np.cos(angle) * one, zero, 0.5 * one)
    return np.stack(f, axis=-1), np.stack(g, axis=-2)


def design_of(kind: str, n: int, seed: int) -> tuple[Design | None, np.ndarray]:
    """A design over three parameters, with its points (sample, parameter) as probabilities.

    ``n``: its samples, a parameter of FAST, base samples of Saltelli.
    """
    made: dict[str, Callable[..., Design]] = {
        "sobol": SobolDesign, "latin": LatinHypercubeDesign, "saltelli": SaltelliDesign,
        "fast": FastDesign,
    }  # fmt: skip
    if kind not in made:
        return None, np.random.default_rng(seed).random((n, 3))
    design = made[kind](samples=n, seed=seed)
    return design, make_design(design, dict.fromkeys("abc", UNIT), ())[1]


def estimated_gradients(
    of: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    v: np.ndarray,
    noise: np.ndarray,
    kind: Gradients,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Values, gradients of an estimator, and what a question must know of it.

    ``score`` adds what it adds: values less a baseline times a number of the seed whose mean is 0, here
    of standard deviation 3 and skewed. ``smoothed`` is the formula of the engine for uniform ones.
    """
    f, g = of(v, noise)
    if kind == "pathwise":
        return f, g, {}
    if kind == "score":
        score = 3 * (rng.chisquare(8, (len(noise), v.shape[1])) - 8) / 4
        pilots = of(v, rng.standard_normal((16, *noise.shape[1:])))[0]
        less = f - pilots.mean(axis=1, keepdims=True)
        return f, g + less[..., None] * score[:, None], {"complete": False}
    p = v.shape[1]
    sd = SMOOTHING / 12**0.5
    low = np.maximum(0, v - 16 * sd)
    width = np.minimum(1, v + 16 * sd) - low
    x = ndtri(np.clip((v - low) / width, 1e-3, 1 - 1e-3))
    t = sd * np.sqrt(2 * np.pi) / width
    root = np.sqrt(1 + t**2)
    reach = width * t / root * np.exp(-((x / root) ** 2) / 2) / np.sqrt(2 * np.pi)
    smoothed = np.zeros_like(g)
    for r, of_seed in enumerate(noise):
        orthonormal = np.linalg.qr(rng.standard_normal((p, p)))[0]
        directions = np.linalg.norm(rng.standard_normal((p, p)), axis=1)[:, None] * orthonormal.T
        for z in directions:
            up, down = (of(low + width * ndtr(x + t * way * z), of_seed[None])[0] for way in (1, -1))
            rise = (up - down)[:, 0, :, None]
            smoothed[:, r] += rise * (z / (2 * p * reach))[:, None]
    return f, smoothed, {"complete": False, "smoothing": SMOOTHING}


def rates(kind: str, n: int, repetitions: int, seeds: int = 2) -> np.ndarray:
    """How often p-values of single tests are below 5, 1 and 0.1 % (level, function, parameter)."""
    found = []
    for r in range(repetitions):
        rng = np.random.default_rng(r)
        design, v = design_of(kind, n, r)
        f, g = functions(v, rng.standard_normal(seeds))
        parts = by_parts([UNIT] * 3, v, f, g, design=design)
        found.append(np.minimum(3 * parts.p_value.min(axis=0)[0], 1))
    return np.array([(np.array(found) < level).mean(axis=0) for level in (0.05, 0.01, 0.001)])
