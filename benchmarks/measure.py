"""Carrying out a plan: the same physics first, then times by turns; a row for each thing measured."""

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxmorph.errors import JaxmorphError

from .floor import floor
from .plan import ON_BOTH_JAX, PEERS, Fields, Plan, Series
from .processes import Processes, ratio
from .task import PROGRAMS, Case

Result = tuple[np.ndarray, np.ndarray]
Row = dict[str, Any]
Turns = Sequence[float]
_ROUNDING = {"float32": (1e-4, 1e-2), "float64": (1e-10, 1e-8)}
_SMALL: Fields = {"samples": 2, "seeds": 2, "precision": "float64"}


def check_same(name: str, tolerance: tuple[float, float], ours: Result, theirs: Result) -> Row:
    """How far values and derivatives are apart at the last time, relative to the largest of a batch.

    Values are (sample, seed, time, observable), derivatives have parameters last, if there are any;
    ``theirs`` may be without time and observable. A tolerance is of values, and of derivatives.

    Raises:
        JaxmorphError: If they differ by more, or are not finite.
    """
    found = {}
    for what, a, b, limit in zip(("values", "derivatives"), ours, theirs, tolerance, strict=True):
        if a.size:
            mine, other = a[:, :, -1, 0], b if b.ndim < a.ndim else b[:, :, -1, 0]
            apart = (np.abs(mine - other).max(axis=(0, 1)) / np.abs(other).max(axis=(0, 1))).max()
            found[f"{what}_differ_by"] = float(apart)
            if not apart <= limit:
                raise JaxmorphError(
                    f"{name}: its {what} differ from those of jaxmorph by {apart:.2g} of the largest "
                    f"(allowed: {limit:.2g}); nothing was timed, because this is not the same physics"
                )
    return found


def compare(peer: str, plan: Plan, processes: Processes) -> Iterator[Row]:
    """A row for each setting of a peer, for the fastest again, and for jaxmorph beside it."""
    theirs, ours, tolerance, settings, same = PEERS[peer]
    every = {"devices": processes.devices}  # a machine with one has fewer settings
    cases = [Case.of(peer, plan.task, **theirs, **{**every, **setting}) for setting in settings]
    candidates = list({repr(case): case for case in cases}.values())
    small = candidates[0].task.but(**_SMALL)
    both = Case.of("engine", small, mode="reverse"), Case(peer, small, same or {}, candidates[0].devices)
    apart = check_same(PROGRAMS[peer], tolerance, *(processes.ask("results", case) for case in both))
    tried = []
    for case in candidates:
        seconds = min(processes.ask("call", case) for _ in range(2))
        tried.append(1e3 * seconds / case.task.simulations)
        yield _row("setting", case, processes, tried[-1:])
    engine = {what: Case.of("engine", plan.task, **fields) for what, fields in ours.items()}
    first, *others = engine.values()
    for case in others:  # what is timed must agree, where it is of one system
        if (case.task.parameters, case.task.growth) == (first.task.parameters, first.task.growth):
            results = (processes.ask("results", each) for each in (first, case))
            check_same(f"jaxmorph, {case.setting}", _ROUNDING[first.task.precision], *results)
    yield from _beside("beside", engine, candidates[int(np.argmin(tried))], plan, processes, apart)


def compare_jax(python: str, plan: Plan, processes: Processes) -> Iterator[Row]:
    """Rows of what the engine computes with the JAX of another interpreter, and with this one."""
    pythons = sys.executable, python
    for what, fields in ON_BOTH_JAX.items():
        small = (Case.of("engine", plan.task, **_SMALL, **fields, python=p) for p in pythons)
        results = (processes.ask("results", case) for case in small)
        apart = check_same("the other JAX", (1e-12, 1e-9), *results)
        here, there = (Case.of("engine", plan.task, **fields, python=p) for p in pythons)
        yield from _beside("jax", {what: here}, there, plan, processes, apart)


def scalings(peers: Sequence[str], plan: Plan, processes: Processes) -> Iterator[Row]:
    """A row for each program of each series, and for the start of processes."""
    for series in plan.series(processes.devices, peers):
        yield from _scale(series, plan, processes)
    case = Case.of("engine", plan.task, recorded="times", mode="forward")
    with tempfile.TemporaryDirectory() as folder:
        for cache in ("empty", "filled") if plan.whole else ():
            with Processes(Path(folder), processes.devices, processes.on_cpu) as fresh:
                start = time.perf_counter()
                row = _row("start", case, fresh, cache=cache)
                yield row | {"start_s": time.perf_counter() - start - row["build_s"]}


def _scale(series: Series, plan: Plan, processes: Processes) -> Iterator[Row]:
    """A row for each program of a series, until one would probably take too long."""
    for case, following in itertools.zip_longest(series.cases, series.cases[1:]):
        if not series.timed:
            yield _row(series.measured, case, processes)
            continue
        turns = processes.by_turns({"": case}, plan.calls)[""]
        row = _row(series.measured, case, processes, turns)
        if series.floor:
            rates = processes.ask("rates", case)
            row |= floor(case.task, case.setting["mode"], rates, processes.devices) | rates
            row["times_floor"] = row["ms"] / row["floor_ms"]
        yield row
        if following:
            work = series.work(following.task) / series.work(case.task)
            if 1e-3 * min(turns) * case.task.simulations * work > plan.longest_s:
                return


def _beside(
    measured: str, cases: dict[str, Case], other: Case, plan: Plan, processes: Processes, apart: Row
) -> Iterator[Row]:
    """Rows of another program and of ours, timed by turns."""
    turns = processes.by_turns({**cases, "other": other}, plan.rounds)
    yield _row(measured, other, processes, turns["other"])
    for what, case in cases.items():
        middle, low, high = ratio(turns["other"], turns[what])
        faster = {"times_faster": middle, "from": low, "to": high}
        yield _row(measured, case, processes, turns[what], computes=what, **faster, **apart)


def _row(measured: str, case: Case, processes: Processes, turns: Turns = (), **more: Any) -> Row:
    """What a case is, and what it takes; milliseconds of a simulation are the median of turns."""
    task, times = case.task, {}
    if turns:
        times = {"ms": statistics.median(turns), "ms_least": min(turns), "ms_most": max(turns)}
    return {
        "measured": measured,
        "program": PROGRAMS[case.program],
        "jax": processes.ask("about", case)["jax"],
        "setting": ", ".join(f"{k} = {v}" for k, v in case.setting.items() if k != "mode"),
        "mode": case.setting.get("mode", "reverse"),
        "cells": task.cells,
        "brownian_steps": task.brownian_steps,
        "parameters": len(task.parameters),
        "growth": "yes" if task.growth else "no",
        "simulations": task.simulations,
        "precision": task.precision,
        "devices": case.devices or processes.devices,
        **times,
        **processes.ask("build", case),
        **more,
    }
