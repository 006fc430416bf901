"""The floor of the benchmark: its counts against the physics written out, with numbers that count."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.floor import (
    DIVISION,
    EXPONENTIAL,
    NOISE,
    NORMAL,
    ROOT,
    SUM,
    floor,
    kept_bytes,
    morse_force,
    operations,
)
from benchmarks.task import Task
from jaxmorph import BaseCellState, space
from jaxmorph.engine.threefry import threefry
from jaxmorph.env.mechanics import MorsePotential

EPSILON, ALPHA, SCALE, S = 3.0, 2.5, 0.1, 0.3
COEFFICIENT = 2 * EPSILON * ALPHA * SCALE  # the same for all pairs
PLAIN = ("+", "-", "*", "^", "|", "<<", ">>")
BY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a ^ b,
    "|": lambda a, b: a | b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
}
counted: Counter[str] = Counter()


class Number:
    """A number that counts what is done with it; what is the same for all pairs is a plain float."""

    def __init__(self, value: Any):
        self.value = value

    def by(self, sign: str, other: Any) -> Number:
        counted[sign] += 1
        return Number(BY[sign](self.value, plain(other)))

    def __add__(self, other: Any) -> Number:
        return self.by("+", other)

    def __sub__(self, other: Any) -> Number:
        return self.by("-", other)

    def __mul__(self, other: Any) -> Number:
        return self.by("*", other)

    def __truediv__(self, other: Any) -> Number:
        return self.by("/", other)

    def root(self) -> Number:
        counted["root"] += 1
        return Number(math.sqrt(self.value))

    def exponential(self) -> Number:
        counted["exponential"] += 1
        return Number(math.exp(self.value))


def plain(x: Any) -> Any:
    return x.value if isinstance(x, Number) else x


def numbers(array: Any) -> Any:
    return [numbers(x) for x in array] if np.ndim(array) else Number(float(array))


def values(nested: Any) -> np.ndarray:
    return np.array([values(x) if isinstance(x, list) else plain(x) for x in nested], dtype=float)


def dot(a: list[Number], b: list[Number]) -> Number:
    first, *others = (x * y for x, y in zip(a, b, strict=True))
    for product in others:
        first = first + product
    return first


def give(to: list[Number], by: Callable[[Number, Number], Number], what: list[Number]) -> None:
    """Change an array by ``what``, in place."""
    to[:] = [by(x, y) for x, y in zip(to, what, strict=True)]


def pairs(n: int) -> list[tuple[int, int]]:
    return [(i, j) for j in range(n) for i in range(j)]


def of_pair(x: Any, radius: Any, i: int, j: int) -> tuple[list[Number], Number, Number, Number]:
    """r, rho, sigma - rho and e."""
    r = [b - a for a, b in zip(x[i], x[j], strict=True)]
    rho = dot(r, r).root()
    beyond = radius[i] + radius[j] - rho
    return r, rho, beyond, (beyond * ALPHA).exponential()


def force(x: Any, radius: Any, i: int, j: int) -> tuple[list[Number], Number]:
    """r, and g: the force over the distance."""
    r, rho, _, e = of_pair(x, radius, i, j)
    return r, e * (e - 1.0) * COEFFICIENT / rho


def derivatives(
    x: Any, radius: Any, i: int, j: int
) -> tuple[list[Number], Number, Number, Number, Number]:
    """r, g; of g: by sigma, by the relative change of alpha, and minus that by rho over rho."""
    r, rho, beyond, e = of_pair(x, radius, i, j)
    per_length, less = Number(1.0) / rho, e - 1.0
    u = per_length * COEFFICIENT
    g = u * (e * less)
    by_sigma = u * (e * (less + e)) * ALPHA
    return r, g, by_sigma, g + beyond * by_sigma, (by_sigma + g * per_length) * per_length


def step(x: Any, radius: Any, noise: Any, tangents: Any = ()) -> tuple[Any, list[Any]]:
    """Positions after a Brownian step, and how they change along tangents: by name, changes of each.

    Changes of ``epsilon``, ``alpha`` and ``scale`` are relative to them.
    """
    after = [list(of_cell) for of_cell in x]
    changes = [[list(of_cell) for of_cell in t["x"]] for t in tangents]
    for i, j in pairs(len(x)):
        if tangents:
            r, g, by_sigma, by_alpha, minus_q = derivatives(x, radius, i, j)
        else:
            r, g = force(x, radius, i, j)
        push = [g * y for y in r]
        give(after[i], Number.__sub__, push)
        give(after[j], Number.__add__, push)
        for t, change in zip(tangents, changes, strict=True):
            minus_r = [a - b for a, b in zip(t["x"][i], t["x"][j], strict=True)]
            by = minus_q * dot(r, minus_r)
            if "radius" in t:
                by = by + by_sigma * (t["radius"][i] + t["radius"][j])
            if t.keys() & {"epsilon", "scale", "alpha"}:
                by = by + (by_alpha if "alpha" in t else g)
            push = [by * a - g * b for a, b in zip(r, minus_r, strict=True)]
            give(change[i], Number.__sub__, push)
            give(change[j], Number.__add__, push)
    for cell, xi in zip(after, noise, strict=True):
        give(cell, Number.__add__, [y * S for y in xi])
    for t, change in zip(tangents, changes, strict=True):
        for cell, xi in zip(change, noise, strict=True):
            if "s" in t:
                give(cell, Number.__add__, [y * t["s"] for y in xi])
    return after, changes


def pull_back(x: Any, radius: Any, noise: Any, cotangent: Any) -> dict[str, Any]:
    """What a step gives back of a cotangent of its positions."""
    back = [list(of_cell) for of_cell in cotangent]
    of_radius = [Number(0.0) for _ in radius]
    of_scale, of_alpha, of_s = Number(0.0), Number(0.0), Number(0.0)
    for i, j in pairs(len(x)):
        r, g, by_sigma, by_alpha, minus_q = derivatives(x, radius, i, j)
        c = [b - a for a, b in zip(cotangent[i], cotangent[j], strict=True)]
        along = dot(c, r)
        factor = minus_q * along
        push = [g * a - factor * b for a, b in zip(c, r, strict=True)]
        give(back[i], Number.__sub__, push)
        give(back[j], Number.__add__, push)
        of_both = by_sigma * along
        of_radius[i], of_radius[j] = of_radius[i] + of_both, of_radius[j] + of_both
        of_scale, of_alpha = of_scale + g * along, of_alpha + by_alpha * along
    for cell, xi in zip(cotangent, noise, strict=True):
        for y, z in zip(cell, xi, strict=True):
            of_s = of_s + y * z
    return {"x": back, "radius": of_radius, "scale": of_scale, "alpha": of_alpha, "s": of_s}


def by_jax(x: Any, radius: Any, noise: Any, epsilon: Any, alpha: Any, scale: Any, s: Any) -> jax.Array:
    """A step by the package; epsilon, alpha and the scale in proportion to themselves."""
    displacement, shift = space.free()
    x, radius = jnp.asarray(x), jnp.asarray(radius)
    state = BaseCellState(displacement, shift, x, jnp.ones((len(x), 1)), radius[:, None])
    potential = MorsePotential(epsilon * EPSILON, alpha * ALPHA, r_onset=1e3, r_cutoff=2e3)
    return x + potential.scaled_force_fn(state, scale * SCALE)(x) + noise * s


def system(d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, radii and noise of four cells."""
    draw = np.random.default_rng(d)
    return draw.normal(size=(4, d)), draw.uniform(0.2, 0.4, 4), draw.normal(size=(4, d))


def of_counted() -> np.ndarray:
    """What has been counted, as counts of the floor."""
    sums = sum(counted[sign] for sign in PLAIN)
    return (
        sums * SUM
        + counted["/"] * DIVISION
        + counted["root"] * ROOT
        + counted["exponential"] * EXPONENTIAL
    )


def of_step(d: int, mode: str) -> np.ndarray:
    """What the benchmark counts for the system, but for drawing the noise."""
    task = Task(cells=4, steps=1, relaxation_steps=1, samples=5, settings={"n_dim": d})
    return operations(task, mode) - 4 * d * NORMAL / 5


@pytest.fixture(autouse=True)
def double() -> Any:
    counted.clear()
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("d", [2, 3])
def test_a_step_takes_what_its_formulas_take(d: int) -> None:
    x, radius, noise = system(d)
    after, _ = step(numbers(x), numbers(radius), numbers(noise))
    np.testing.assert_allclose(values(after), by_jax(x, radius, noise, 1.0, 1.0, 1.0, S), rtol=1e-12)
    np.testing.assert_allclose(of_step(d, "none"), of_counted(), rtol=1e-12)
    np.testing.assert_allclose(of_counted(), 6 * morse_force(d) + 4 * d * NOISE, rtol=1e-12)


@pytest.mark.parametrize("d", [2, 3])
def test_tangents_take_what_their_formulas_take(d: int) -> None:
    x, radius, noise = system(d)
    names = ["epsilon", "alpha", "max_radius", "growth_rate", "kT", "gamma"]
    moves = {name: np.random.default_rng(i).normal(size=x.shape) for i, name in enumerate(names)}
    grow = {name: np.random.default_rng(i).normal(size=4) for i, name in enumerate(names)}
    tangents: list[dict[str, Any]] = [{"x": numbers(moves[name])} for name in names]
    for i in (2, 3):
        tangents[i]["radius"] = numbers(grow[names[i]])
    tangents[0]["epsilon"] = tangents[1]["alpha"] = tangents[5]["scale"] = 1.0
    tangents[4]["s"] = tangents[5]["s"] = 0.7
    _, changes = step(numbers(x), numbers(radius), numbers(noise), tangents)
    np.testing.assert_allclose(of_step(d, "forward"), of_counted(), rtol=1e-12)
    for i, name in enumerate(names):
        others = [float(key in tangents[i]) for key in ("epsilon", "alpha", "scale")]
        along = (moves[name], grow[name] * ("radius" in tangents[i]), np.zeros_like(noise), *others)
        _, wanted = jax.jvp(
            by_jax, (x, radius, noise, 1.0, 1.0, 1.0, S), (*along, tangents[i].get("s", 0.0))
        )
        np.testing.assert_allclose(values(changes[i]), wanted, rtol=1e-10)


@pytest.mark.parametrize("d", [2, 3])
def test_a_pullback_takes_what_its_formulas_take(d: int) -> None:
    x, radius, noise = system(d)
    cotangent = np.random.default_rng(7).normal(size=x.shape)
    step(numbers(x), numbers(radius), numbers(noise))
    found = pull_back(numbers(x), numbers(radius), numbers(noise), numbers(cotangent))
    np.testing.assert_allclose(of_step(d, "reverse"), of_counted(), rtol=1e-12)
    _, pullback = jax.vjp(by_jax, x, radius, noise, 1.0, 1.0, 1.0, S)
    of_x, of_radius, _, *others, of_s = pullback(cotangent)
    np.testing.assert_allclose(values(found["x"]), of_x, rtol=1e-10)
    np.testing.assert_allclose(values(found["radius"]), of_radius, rtol=1e-10)
    wanted = [others[0], others[1], others[2], of_s]
    parts = [found["scale"], found["alpha"], found["scale"], found["s"]]
    np.testing.assert_allclose(values(parts), wanted, rtol=1e-10)


def test_random_words_take_what_is_counted() -> None:
    class Word(Number):
        """Of 32 bits."""

        def by(self, sign: str, other: Any) -> Number:
            return Word(super().by(sign, other).value & 0xFFFFFFFF)

    def rotated(x: Word, places: int) -> Any:
        return (x.by("<<", places)).by("|", x.by(">>", 32 - places))

    first, second, a, b = 12, 34, Word(56), Word(78)
    keys: list[Any] = [Word(first), Word(second)]
    keys.append(keys[0].by("^", second).by("^", 0x1BD11BDA))
    left, right = a + keys[0], b + keys[1]
    rounds = [(13, 15, 26, 6), (17, 29, 16, 24)]
    for i in range(5):
        for places in rounds[i % 2]:
            left = left + right
            right = rotated(right, places).by("^", left)
        left = left + keys[(i + 1) % 3]
        right = right + keys[(i + 2) % 3] + (i + 1)
    words = [np.array([x], np.uint32) for x in (first, second, 56, 78)]
    wanted = threefry(*words)  # type: ignore[arg-type]
    assert [left.value, right.value] == [int(x[0]) for x in wanted]
    assert sum(counted.values()) == 119  # for two words, in NORMAL


def test_the_force_has_the_operations_of_its_law() -> None:
    """What JAX traces of the law for one pair, whatever the processor is."""
    onset = MorsePotential(EPSILON, ALPHA, r_onset=1e3, r_cutoff=2e3).inner_form()
    assert onset is not None
    found: Counter[str] = Counter()

    def count(jaxpr: Any) -> None:
        for eqn in jaxpr.eqns:
            for inner in jax.tree.leaves(list(eqn.params.values())):
                if hasattr(inner, "jaxpr"):
                    count(inner.jaxpr)
            found[eqn.primitive.name] += 1

    count(jax.make_jaxpr(onset[0].force_over_distance)(1.0, 0.6).jaxpr)
    # Beside it: the factors of all pairs once more, and that two cells may be at one place.
    law = {name: found[name] for name in ("sub", "mul", "exp", "div")}
    assert law == {"sub": 2, "mul": 3, "exp": 1, "div": 1}


def test_the_floor_is_what_takes_longest_on_all_devices_together() -> None:
    rates = {"sums_per_s": 1e9, "divisions_per_s": 1e8, "roots_per_s": 5e7, "most_bytes_per_s": 1e8}
    task = Task(steps=3, samples=4)
    sums, divisions, roots = operations(task, "reverse")
    seconds = sums / 1e9 + divisions / 1e8 + roots / 5e7
    least = floor(task, "reverse", rates, 2)
    assert least["arithmetic_ms"] == pytest.approx(500 * seconds)
    # 30 steps of 10 cells in the plane, written and read, and a fourth of their noise.
    assert kept_bytes(task, "reverse") == 30 * 20 * 4 * 2 * 1.25 and kept_bytes(task, "none") == 0
    assert least["bytes_ms"] == pytest.approx(500 * 30 * 20 * 4 * 2 * 1.25 / 1e8)
    assert least["bound"] == "arithmetic" and least["floor_ms"] == least["arithmetic_ms"]
    slow = floor(task, "reverse", rates | {"most_bytes_per_s": 1e6}, 2)
    assert slow["bound"] == "bytes" and slow["floor_ms"] == slow["bytes_ms"]
