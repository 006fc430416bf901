"""How often a line accuses what is smooth, and finds what jumps, over functions made at random."""

import numpy as np
import pytest
from support.line_functions import FAMILIES, NOISE, Function, averaged, with_jump
from support.sweeps import Recorder
from test_lines import searched

from jaxmorph.engine.averaged_lines import MATERIAL, ROUNDS_A_LINE, AveragedLine

JUMPS = {(0.02, 0.05): 90, (0.05, 0.2): 95, (0.2, 1.0): 98}
"""Shares of the range, and how many in a hundred are found at least."""


def accused(family: str, noise: str, n: int, jump: tuple[float, float] | None = None) -> tuple[int, int]:
    """How many of n functions are said to jump, and how many are unresolved."""
    rng = np.random.default_rng([list(FAMILIES).index(family), list(NOISE).index(noise), n])
    found = unresolved = 0
    for _ in range(n):
        f = FAMILIES[family](rng)
        if jump is not None:
            f = with_jump(f, rng.uniform(*jump), 0.5 if noise == "inside" else 0.96, rng)
        line = searched(*averaged(f, noise, rng))
        found += int(line.jumps.any())
        unresolved += int(line.unresolved.any())
    return found, unresolved


def accused_on_average(family: str, n: int, seen: float = 1.0, rounds: int = ROUNDS_A_LINE) -> int:
    """Of n lines of 64 seeds, whose gradients are right on average, or see a share of the truth."""
    rng = np.random.default_rng([list(FAMILIES).index(family), 99, n])
    return sum(_accused_on_average(FAMILIES[family](rng), rng, seen, rounds) for _ in range(n))


def _accused_on_average(f: Function, rng: np.random.Generator, seen: float, rounds: int) -> bool:
    values, slopes = averaged(f, "added", rng)
    u = np.linspace(0.02, 0.98, 7)
    size = np.ptp(values(u))
    # Of one seed, smooth along the line: a polynomial with random coefficients.
    of_seeds = rng.standard_normal((64, 3)) * size * 10 ** rng.uniform(-3, 1)

    def along(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        off = (x[:, None] ** np.arange(3)) @ of_seeds.T
        value = np.broadcast_to(values(x)[:, None], off.shape)
        return value[..., None, None], (seen * slopes(x)[:, None] + off)[..., None, None]

    line = AveragedLine(u, *along(u), np.full((1, 1), MATERIAL * size), 1)
    for _ in range(rounds):
        if line.incomplete.any():
            further = line.wanted(7)
            line.add(further, *along(further))
    return bool(line.incomplete.any())


@pytest.mark.verify
@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("family", FAMILIES)
def test_lines_of_smooth_functions_are_accused_in_less_than_1_percent(
    family: str, noise: str, record_property: Recorder
) -> None:
    found, unresolved = accused(family, noise, 300)
    record_property("functions", 300)
    record_property("accused", found)
    assert found + unresolved < 3


@pytest.mark.verify
@pytest.mark.parametrize("jump", JUMPS, ids=str)
@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("family", FAMILIES)
def test_lines_find_jumps(
    family: str, noise: str, jump: tuple[float, float], record_property: Recorder
) -> None:
    found, _ = accused(family, noise, 100, jump)
    record_property("functions", 100)
    record_property("found", found)
    assert found >= JUMPS[jump]


@pytest.mark.verify
@pytest.mark.parametrize("family", FAMILIES)
def test_lines_of_gradients_right_on_average_are_accused_in_less_than_1_percent(
    family: str, record_property: Recorder
) -> None:
    """Those that see half are accused where the noise of seeds allows: looking closer loses few."""
    found = accused_on_average(family, 1000)
    record_property("functions", 1000)
    record_property("accused", found)
    assert found < 10
    assert accused_on_average(family, 200, 0.5) >= 0.7 * accused_on_average(family, 200, 0.5, rounds=0)


def test_of_each_family_some_are_smooth_and_some_jump() -> None:
    for noise, family in zip([*NOISE, *NOISE, "added"], FAMILIES, strict=True):
        assert accused(family, noise, 5) == (0, 0), family
        assert accused(family, noise, 5, max(JUMPS))[0] == 5, family


def test_a_step_between_points_is_looked_at_closer_before_gradients_are_accused() -> None:
    """Of tanh of steepness 1 to 30 one line in eight was accused by its seven points."""
    family = "tanh of steepness 1 to 30"
    assert accused_on_average(family, 60, rounds=0) > 0
    assert accused_on_average(family, 60) == 0
    assert accused_on_average("powers", 20, 0.5) > 10
