"""How long the estimates themselves take, of many outputs: times x observables."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.stats import qmc

from jaxmorph.errors import JaxmorphError
from jaxmorph.sensitivity.resampling import RESAMPLES

from .others import salib_points, seconds
from .ours import MOST_GROUPS, Expansion, saltelli
from .plan import Plan
from .process import Other

Row = dict[str, Any]
_SAME = 1e-6
"""Total indices of two programs from the same values."""
_SAMPLES = 256
_ORDER = 3


def outputs(unit: np.ndarray, times: int, observables: int) -> tuple[np.ndarray, np.ndarray]:
    """Damped oscillations (sample, time, observable), and derivatives by units of sd, first."""
    weight = np.random.default_rng(0).uniform(0.5, 1.5, (observables, 3, unit.shape[1]))
    decay, turn, phase = (np.einsum("np,op->no", unit, weight[:, i]) for i in range(3))
    t = np.linspace(0, 1, times)[:, None]
    size = np.exp(-decay[:, None] * t)
    angle = 3 * turn[:, None] * t + phase[:, None]
    by_turn = -size * np.sin(angle)
    by_decay = -t * size * np.cos(angle)
    slope = (
        by_decay[None] * weight[:, 0].T[:, None, None]
        + by_turn[None] * (3 * t * weight[:, 1].T[:, None] + weight[:, 2].T[:, None])[:, None]
    )
    return size * np.cos(angle), slope / 12**0.5


def measure(plan: Plan, others: Mapping[str, Other]) -> Iterator[Row]:
    """A row for each estimate and program; what is compared must have the same indices."""
    yield from _saltelli(plan, others)
    yield from _expansions(plan, others)


def _row(plan: Plan, estimate: str, program: str, intervals: str, taken: float) -> Row:
    of = plan.times * plan.observables
    return {
        "estimate": estimate,
        "program": program,
        "intervals": intervals,
        "outputs": of,
        "ms": 1e3 * taken,
    }


def _saltelli(plan: Plan, others: Mapping[str, Other]) -> Iterator[Row]:
    d, design = plan.parameters, (plan.parameters, plan.base)
    what = f"first and total of a Saltelli design, {plan.base} x {d + 2}"
    unit = salib_points(d, plan.base, 1)
    value, _ = outputs(unit, plan.times, plan.observables)
    ours = saltelli(value, d)
    total = ours()
    resampled = f"{RESAMPLES} resamples"
    yield _row(plan, what, "jaxmorph", resampled, seconds(ours, plan.rounds))
    if "salib" in others:
        _same("SALib", total[0, 0], others["salib"].ask("salib", unit, value[:, 0, 0])[1])
        taken = others["salib"].ask("salib_seconds", design, value, 0, 2)
        yield _row(plan, what, "SALib", "none", taken)
        some = value[:, :1]
        taken = others["salib"].ask("salib_seconds", design, some, RESAMPLES, 1) * plan.times
        yield _row(plan, what, "SALib", f"{resampled}, timed of one time", taken)
    if "jaxgsa" in others:
        points = others["jaxgsa"].ask("jaxgsa_points", *design)
        theirs, _ = outputs(points, plan.times, plan.observables)
        for resamples, said in ((0, "none"), (RESAMPLES, resampled)):
            taken, _ = others["jaxgsa"].ask("jaxgsa_seconds", design, theirs, resamples, plan.rounds)
            yield _row(plan, what, "jaxgsa", said, taken)


def _same(program: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    apart = float(np.abs(ours - theirs).max())
    if not apart <= _SAME:
        raise JaxmorphError(
            f"{program}: its total indices differ from those of jaxmorph by {apart:.2g} (allowed: "
            f"{_SAME:.0e}), so the times are of different things"
        )


def _expansions(plan: Plan, others: Mapping[str, Other]) -> Iterator[Row]:
    unit = qmc.Sobol(plan.parameters, rng=0).random(_SAMPLES)
    value, slope = outputs(unit, plan.times, plan.observables)
    data = np.concatenate([value[None], slope]).swapaxes(0, 1)  # (sample, row, time, observable)
    noisy = data[..., None] + 0.1 * np.random.default_rng(0).normal(size=(*data.shape, plan.seeds))

    def ours(data: np.ndarray, gradients: bool) -> Callable[[], Any]:
        def call() -> Any:
            expansion = Expansion(unit)
            of_each = data.swapaxes(2, 3).swapaxes(1, 2).swapaxes(0, 1)  # observables one by one
            return [expansion.of(one, gradients).interval() for one in of_each]

        return call

    of_one = f"first and total of an expansion, {_SAMPLES} samples"
    for what, array, gradients in (
        (of_one, data[..., None], False),
        (f"{of_one} with gradients", data[..., None], True),
        (f"{of_one} x {plan.seeds} seeds with gradients", noisy, True),
    ):
        taken = seconds(ours(array, gradients), 1)
        yield _row(plan, what, "jaxmorph", f"jackknife of {MOST_GROUPS} groups", taken)
    if "jaxgsa" in others:
        for resamples, said in ((0, "none"), (MOST_GROUPS, f"{MOST_GROUPS} resamples")):
            arguments = unit, value, _ORDER, resamples, 2
            taken = others["jaxgsa"].ask("jaxgsa_chaos_seconds", *arguments)
            yield _row(plan, of_one, f"jaxgsa, order {_ORDER}", said, taken)
