"""What is measured: the tables of comparisons and of scalings, at which sizes."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from .task import Case, Task, cluster_settings

Fields = dict[str, Any]

_TWO: Fields = {"parameters": ("epsilon", "alpha")}
_STILL: Fields = {**_TWO, "growth": False}
_VALUES: Fields = {"mode": "none"}
_REVERSE: Fields = {"mode": "reverse"}
_FORWARD: Fields = {"mode": "forward"}
_MODES = {"value and gradient, reverse mode": _REVERSE, "value and gradient, forward mode": _FORWARD}
ON_BOTH_JAX = {"values alone": _VALUES, **_MODES}


class Peer(NamedTuple):
    """What jaxmorph is compared with; fields are those of :meth:`Case.of`."""

    theirs: Fields  # what is other for the peer than in the task
    ours: dict[str, Fields]  # what jaxmorph computes, by what it is called
    tolerance: tuple[float, float]  # of values and of derivatives, relative to the largest of a batch
    settings: Sequence[Fields] = ({},)  # of the peer, the fastest of which is compared
    same: Fields | None = None  # with which the results are compared


PEERS = {
    "morph": Peer(
        _STILL,
        {
            **_MODES,
            "6 observables at 20 times, forward mode": {**_FORWARD, "recorded": "times"},
            "what the peer computes: 2 parameters, no growth": {**_REVERSE, **_STILL},
        },
        (1e-10, 1e-8),
        ({"devices": 1}, {"devices": 1, "unroll": 4}, {}, {"unroll": 4}),
        {"same_noise": True},
    ),
    "md": Peer({"samples": 4}, _MODES, (1e-10, 1e-8), ({}, {"checkpoint": False})),
    # jax-md rounds the length of a step over the friction to single precision.
    "notebook": Peer(
        {**_TWO, "precision": "float64", "samples": 2, "seeds": 2},
        {what: {**fields, "precision": "float64"} for what, fields in _MODES.items()},
        (1e-6, 1e-6),
        ({"devices": 1},),
    ),
    "plain": Peer({}, _MODES, (1e-9, 1e-9)),
}


class Series(NamedTuple):
    """Programs of one kind, from small to large: a line of the figure."""

    measured: str
    cases: tuple[Case, ...]
    work: Callable[[Task], float] = lambda _: 1.0  # what the time is assumed to grow with
    timed: bool = True  # or compiled alone
    floor: bool = False  # whether the least possible time is counted


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured, at which sizes."""

    task: Task = dataclasses.field(default_factory=Task)
    rounds: int = 5  # turns of each comparison
    calls: int = 3  # turns of each program of a scaling
    longest_s: float = 1.5  # a scaling ends before a call that would probably take longer
    batches: tuple[int, ...] = tuple(4**i for i in range(3, 10))  # multiples of 16
    cells: tuple[int, ...] = (10, 30, 100)  # with forces between all pairs
    cell_steps: int = 10
    clusters: tuple[int, ...] = (1000, 20_000)  # cells, with forces of a finite range
    parameters: tuple[int, ...] = (1, 3, 6)
    steps: tuple[int, ...] = (13, 100, 400)  # where memory is measured
    whole: bool = True  # with numbers of devices, and the start of processes

    def series(self, n_devices: int, peers: Sequence[str]) -> Iterator[Series]:
        """All scalings, on a machine with so many devices."""
        task, few = self.task, self.task.but(samples=min(4, self.task.samples))
        batches = [{"samples": max(1, n // 16), "seeds": min(n, 16)} for n in self.batches]
        parameters = [{"parameters": task.parameters[:n]} for n in self.parameters]
        cells = [{"cells": n, "steps": self.cell_steps} for n in self.cells]
        clusters = [{"cells": n, "settings": cluster_settings(n)} for n in self.clusters]
        steps = [{"steps": n} for n in self.steps]
        for mode in (_VALUES, _REVERSE, _FORWARD):
            of_batch = _cases("engine", task, batches, mode)
            yield Series("batch", of_batch, lambda t: t.simulations, floor=True)
            some = parameters[-1:] if mode == _VALUES else parameters
            yield Series("parameters", _cases("engine", task, some, mode))
        for mode in (_REVERSE, _FORWARD):
            yield Series("cells", _cases("engine", few, cells, mode), lambda t: t.cells**2)
            yield Series("memory", _cases("engine", few, steps, mode), timed=False)
            if self.whole and n_devices > 1:
                counts = [{"devices": 2**i} for i in range(n_devices.bit_length())]
                many = task.but(samples=4 * task.samples)
                yield Series("devices", _cases("engine", many, counts, mode))
        one_step = task.but(steps=1, samples=n_devices, seeds=1)
        yield Series("clusters", _cases("engine", one_step, clusters, _REVERSE), lambda t: t.cells)
        if "morph" in peers:
            yield Series("cells", _cases("morph", few, cells, _STILL), lambda t: t.cells**2)
        if "md" in peers:
            without = {"checkpoint": False, "devices": 1}
            yield Series("memory", _cases("md", few, steps, without), timed=False)


def _cases(program: str, task: Task, varied: Sequence[Fields], fields: Fields) -> tuple[Case, ...]:
    return tuple(Case.of(program, task, **fields, **one) for one in varied)
