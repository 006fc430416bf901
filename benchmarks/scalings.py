"""How jaxmorph's cost grows: with the batch, the cells, the parameters, the steps, the devices."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from .comparisons import PEERS, TWO
from .plan import Plan
from .processes import Host, Program, Timing, Worker, repeated
from .task import Task, cluster_settings

Row = dict[str, Any]
_OWN = "jaxmorph"
_SEEDS = 16


def all_scalings(plan: Plan, host: Host, peers: list[str]) -> Iterator[Row]:
    """A row for each program that was timed, or whose memory was asked for."""
    with host.own() as own:
        yield from _batches(plan, own)
        yield from _parameters(plan, own)
        yield from _cells(plan, own, "engine", ("reverse", "forward"))
        yield from _clusters(plan, host, own)
        yield from _memory(plan, own, "engine", ("reverse", "forward"))
        if plan.devices and host.devices > 1:
            yield from _devices(plan, host, own)
    if "morph" in peers:
        with host.peer(host.devices) as other:
            yield from _cells(plan, other, "morph", (None,))
    if "md" in peers:
        with host.peer(1) as other:
            yield from _memory(plan, other, "md", (None,))
    if plan.start:
        yield from _start(plan, host)


def _row(what: str, competitor: str, mode: str | None, task: Task, **more: Any) -> Row:
    name = _OWN if competitor == "engine" else PEERS[competitor]
    sizes = {
        "cells": task.cells,
        "brownian_steps": task.brownian_steps,
        "parameters": len(task.parameters),
        "simulations": task.simulations,
        "precision": task.precision,
    }
    return {"measured": what, "competitor": name, "mode": mode or "reverse", **sizes, **more}


def _timed(program: Program, timing: Timing) -> Row:
    each = [1e3 * s / timing.simulations for s in timing.seconds]
    return {
        "ms_per_simulation": 1e3 * timing.per_simulation,
        "ms_least": min(each),
        "ms_most": max(each),
        "memory_mb": program.built["memory"] / 1e6,
        "build_s": program.built["build_s"],
    }


def _least(program: Program) -> Row:
    """The floor of a program, for each simulation, and its terms."""
    least, n = program.floor(), program.task.simulations
    each = {f"{name}_ms": 1e3 * seconds / n for name, seconds in least["seconds"].items()}
    return {**each, "bound": least["bound"], "kernels": least["kernels"], **least["rates"]}


def _growing(
    plan: Plan,
    tasks: list[Task],
    build: Callable[[Task], Program],
    work: Callable[[Task], float],
    more: Callable[[Program], Row] = lambda _: {},
) -> Iterator[tuple[Task, Row]]:
    """Time each task, until one would probably take too long.

    Args:
        plan: How long is too long.
        tasks: From small to large.
        build: Makes the program of one.
        work: What the time of a task is assumed to grow with.
        more: What else to say of a program.
    """
    expected = 0.0
    for i, task in enumerate(tasks):
        if expected > plan.longest_s:
            return
        program = build(task)
        timing = repeated(program, plan.calls)
        yield task, _timed(program, timing) | more(program)
        if i + 1 < len(tasks):
            expected = min(timing.seconds) * work(tasks[i + 1]) / work(task)


def _batches(plan: Plan, own: Worker) -> Iterator[Row]:
    sizes = [(max(1, n // _SEEDS), min(n, _SEEDS)) for n in plan.batches]
    tasks = [dataclasses.replace(plan.task, samples=i, seeds=j) for i, j in sizes]
    for mode in ("none", "reverse", "forward"):
        build = partial(own.build, "engine", mode=mode)
        for task, row in _growing(plan, tasks, build, lambda t: t.simulations, _least):
            yield _row("batch", "engine", mode, task, **row)


def _parameters(plan: Plan, own: Worker) -> Iterator[Row]:
    """Values alone cost the same with any number of them."""
    wanted = [(mode, n) for mode in ("reverse", "forward") for n in plan.parameters]
    wanted += [("none", n) for n in plan.parameters[-1:]]
    for mode, n in wanted:
        task = dataclasses.replace(plan.task, parameters=plan.task.parameters[:n])
        program = own.build("engine", task, mode=mode)
        row = _timed(program, repeated(program, plan.calls))
        yield _row("parameters", "engine", mode, task, **row)


def _cells(plan: Plan, worker: Worker, competitor: str, modes: tuple) -> Iterator[Row]:
    """With forces between all pairs."""
    base = dataclasses.replace(plan.task, steps=plan.cell_steps, samples=min(4, plan.task.samples))
    if competitor == "morph":
        base = dataclasses.replace(base, parameters=TWO, growth=False)
    tasks = [dataclasses.replace(base, cells=n) for n in plan.cells]
    for mode in modes:
        build = partial(worker.build, competitor, **({"mode": mode} if mode else {}))
        for task, row in _growing(plan, tasks, build, lambda t: t.cells**2):
            yield _row("cells", competitor, mode, task, **row)


def _clusters(plan: Plan, host: Host, own: Worker) -> Iterator[Row]:
    """Cells on the area that touching ones would fill, a range of 2.5 contact distances."""

    def task(n: int) -> Task:
        small = dataclasses.replace(plan.task, steps=1, samples=host.devices, seeds=1)
        return dataclasses.replace(small, cells=n, settings=cluster_settings(n))

    build = partial(own.build, "engine", mode="reverse")
    tasks = [task(n) for n in plan.clusters]
    for timed, row in _growing(plan, tasks, build, lambda t: t.cells):
        yield _row("clusters", "engine", "reverse", timed, **row)


def _memory(plan: Plan, worker: Worker, competitor: str, modes: tuple) -> Iterator[Row]:
    """What programs need by XLA's account; they are compiled and not run."""
    for mode in modes:
        setting = {"mode": mode} if mode else {"checkpoint": False}
        for n in plan.steps:
            task = dataclasses.replace(plan.task, steps=n, samples=min(4, plan.task.samples))
            built = worker.build(competitor, task, **setting).built
            yield _row("memory", competitor, mode, task, memory_mb=built["memory"] / 1e6)


def _devices(plan: Plan, host: Host, own: Worker) -> Iterator[Row]:
    """The same batch on 1, 2, 4 ... devices, with a CPU each."""
    task = dataclasses.replace(plan.task, samples=4 * plan.task.samples)
    counts = [2**i for i in range(host.devices.bit_length())]
    for n in counts:
        with contextlib.nullcontext(own) if n == host.devices else host.own(n) as worker:
            for mode in ("reverse", "forward"):
                program = worker.build("engine", task, mode=mode)
                row = _timed(program, repeated(program, plan.calls))
                yield _row("devices", "engine", mode, task, devices=n, **row)


def _start(plan: Plan, host: Host) -> Iterator[Row]:
    """The same program in two processes, one after the other, with a cache that begins empty."""
    task = dataclasses.replace(plan.task, over_time=True)
    with tempfile.TemporaryDirectory() as folder:
        for cache in ("empty", "filled"):
            with host.own(folder=Path(folder)) as own:
                built = own.build("engine", task, mode="forward").built
                stages = {k: built[k] for k in ("build_s", "trace_s", "lower_s", "compile_s")}
                stages["import_s"] = own.about["import_s"]
                yield _row("start", "engine", "forward", task, cache=cache, **stages)
