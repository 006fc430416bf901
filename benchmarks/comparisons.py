"""jaxmorph against each peer: the same physics first, then times, by turns."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import numpy as np

from jaxmorph.errors import JaxmorphError

from .plan import Plan
from .processes import Host, Program, Timing, by_turns, ratio, shortest
from .task import Task

PEERS = {
    "morph": "jax-morph 0.4.0",
    "md": "jax-md",
    "notebook": "the notebook's way",
    "plain": "jaxmorph by plain vmap",
}
TWO = ("epsilon", "alpha")

Result = tuple[np.ndarray, np.ndarray]
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What is asked of a peer, and what of jaxmorph.

    Attributes:
        peer: The module of the peer.
        theirs: What the peer computes.
        ours: What jaxmorph computes, by what it is called, with the mode.
        same: The task that both compute to compare results, and the peer's setting for it.
        tolerance: Of values, and of derivatives, relative to the largest of the batch.
    """

    peer: str
    theirs: Task
    ours: dict[str, tuple[Task, str]]
    same: tuple[Task, dict[str, Any]]
    tolerance: tuple[float, float]


def comparison(peer: str, task: Task) -> Comparison:
    """The comparison with a peer, from the task of the plan."""
    two = dataclasses.replace(task, parameters=TWO)
    small = dataclasses.replace(task, samples=2, seeds=2, precision="float64")
    final = {
        "value and gradient, reverse mode": (task, "reverse"),
        "value and gradient, forward mode": (task, "forward"),
    }
    if peer == "morph":
        still = dataclasses.replace(two, growth=False)
        over_time = dataclasses.replace(task, over_time=True)
        ours = final | {
            "6 observables at 20 times, forward mode": (over_time, "forward"),
            "what the peer computes: 2 parameters, no growth": (still, "reverse"),
        }
        same = dataclasses.replace(small, parameters=TWO, growth=False), {"same_noise": True}
        return Comparison(peer, still, ours, same, (1e-10, 1e-8))
    if peer == "plain":
        return Comparison(peer, task, final, (small, {}), (1e-9, 1e-9))
    if peer == "md":
        theirs = dataclasses.replace(task, samples=max(1, task.samples // 4))
        return Comparison(peer, theirs, final, (small, {}), (1e-10, 1e-8))
    ours = {
        name: (dataclasses.replace(t, precision="float64"), mode) for name, (t, mode) in final.items()
    }
    same = dataclasses.replace(small, parameters=TWO), {}
    theirs = dataclasses.replace(two, precision="float64", samples=min(2, task.samples), seeds=2)
    # jax-md rounds the length of a step over the friction to single precision.
    return Comparison(peer, theirs, ours, same, (1e-6, 1e-6))


def check_same(
    peer: str, ours: Result, theirs: Result, tolerance: tuple[float, float]
) -> tuple[float, float]:
    """How far values and derivatives are apart, relative to the largest.

    Args:
        peer: Its name, for the message.
        ours: Values (sample, seed, time, observable), derivatives with parameters last.
        theirs: Values (sample, seed), derivatives with parameters last.
        tolerance: Of values, and of derivatives.

    Raises:
        JaxmorphError: If they differ by more, or are not finite.
    """
    mine = ours[0][:, :, -1, 0], ours[1][:, :, -1, 0]
    found = []
    for what, a, b, limit in zip(("values", "derivatives"), mine, theirs, tolerance, strict=True):
        size = np.abs(b).max(axis=(0, 1))
        apart = float((np.abs(a - b).max(axis=(0, 1)) / size).max())
        if not apart <= limit:
            raise JaxmorphError(
                f"{peer}: its {what} differ from those of jaxmorph by {apart:.2g} of the largest "
                f"(allowed: {limit:.2g}); nothing was timed, because this is not the same physics"
            )
        found.append(apart)
    return found[0], found[1]


def compare(wanted: Comparison, plan: Plan, host: Host) -> tuple[list[Row], list[Row]]:
    """A row for each thing that jaxmorph computes beside the peer, and one for each setting of the peer.

    Raises:
        JaxmorphError: If the two do not compute the same.
    """
    name = PEERS[wanted.peer]
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(host.own())
        settings = {s.words(host.devices): s for s in plan.settings[wanted.peer]}
        others = {
            n: stack.enter_context(host.peer(n))
            for n in {setting.n_devices(host.devices) for setting in settings.values()}
        }
        task, extra = wanted.same
        ours = own.build("engine", task, mode="reverse").results()
        theirs = next(iter(others.values())).build(wanted.peer, task, **extra).results()
        apart = check_same(name, ours, theirs, wanted.tolerance)
        candidates = {
            words: others[s.n_devices(host.devices)].build(wanted.peer, wanted.theirs, **s.arguments)
            for words, s in settings.items()
        }
        tried = {words: shortest(program) for words, program in candidates.items()}
        best = min(tried, key=lambda words: tried[words])
        programs = {what: own.build("engine", t, mode=m) for what, (t, m) in wanted.ours.items()}
        check_modes(programs)
        programs[name] = candidates[best]
        times = by_turns(programs, plan.rounds)
    rows = [
        _row(wanted, what, programs, times)
        | {"peer_setting": best, "values_differ_by": apart[0], "gradients_differ_by": apart[1]}
        for what in wanted.ours
    ]
    of_settings = [
        {
            "peer": name,
            "setting": words,
            "ms_per_simulation": 1e3 * tried[words],
            "memory_mb": program.built["memory"] / 1e6,
            "build_s": program.built["build_s"],
        }
        for words, program in candidates.items()
    ]
    return rows, of_settings


def check_modes(programs: dict[str, Program]) -> None:
    """What is timed has the same mean distance at the end, and derivatives, in the first and all others.

    Raises:
        JaxmorphError: If not, to what the precision gives; programs of another system are left out.
    """
    first, *others = programs.items()
    for name, program in others:
        one, other = first[1].task, program.task
        if (one.parameters, one.growth) == (other.parameters, other.growth):
            tolerance = (1e-4, 1e-2) if one.precision == "float32" else (1e-10, 1e-8)
            value, gradient = program.results()
            check_same(
                f"jaxmorph, {name}",
                first[1].results(),
                (value[:, :, -1, 0], gradient[:, :, -1, 0]),
                tolerance,
            )


def _row(wanted: Comparison, what: str, programs: dict[str, Program], times: dict[str, Timing]) -> Row:
    task, mode = wanted.ours[what]
    peer = PEERS[wanted.peer]
    middle, low, high = ratio(times[peer], times[what])
    return {
        "peer": peer,
        "computed": what,
        "mode": mode,
        "precision": task.precision,
        "parameters": len(task.parameters),
        "simulations": task.simulations,
        "ms_per_simulation": 1e3 * times[what].per_simulation,
        "memory_mb": programs[what].built["memory"] / 1e6,
        "build_s": programs[what].built["build_s"],
        "peer_parameters": len(wanted.theirs.parameters),
        "peer_growth": wanted.theirs.growth,
        "peer_simulations": wanted.theirs.simulations,
        "peer_ms_per_simulation": 1e3 * times[peer].per_simulation,
        "peer_memory_mb": programs[peer].built["memory"] / 1e6,
        "times_faster": middle,
        "times_faster_least": low,
        "times_faster_most": high,
        "rounds": len(times[peer].seconds),
    }
