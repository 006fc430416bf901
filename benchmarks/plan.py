"""How much of everything is measured."""

from __future__ import annotations

import dataclasses
from typing import Any

from .task import Task


@dataclasses.dataclass(frozen=True)
class Setting:
    """A way to run a peer.

    Attributes:
        devices: 1, with all threads of the machine, or None for all.
        arguments: Of the peer's ``build``.
    """

    devices: int | None = None
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)

    def n_devices(self, n_all: int) -> int:
        """Devices of a machine that has ``n_all``."""
        return self.devices or n_all

    def words(self, n_all: int) -> str:
        """``all devices, checkpoint = False``; with one device, that is ``1 device``."""
        devices = "1 device" if self.n_devices(n_all) == 1 else "all devices"
        return ", ".join([devices, *(f"{k} = {v}" for k, v in self.arguments.items())])


_PEERS = {
    "morph": (
        Setting(1),
        Setting(1, {"unroll": 4}),
        Setting(None),
        Setting(None, {"unroll": 4}),
    ),
    "md": (
        Setting(None),
        Setting(None, {"checkpoint": False}),
    ),
    "notebook": (Setting(1),),
    "plain": (Setting(None),),
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured, at which sizes.

    Attributes:
        task: The task of the comparisons, and what the scalings start from.
        rounds: Turns of each comparison.
        calls: Timed calls of a program in a scaling.
        longest_s: A scaling ends before a call that would probably take longer.
        batches: Numbers of simulations, multiples of 16.
        cells: Numbers of cells, with forces between all pairs.
        cell_steps: Steps of growth and relaxation where the number of cells varies.
        clusters: Numbers of cells of large clusters, with forces of a finite range.
        parameters: Numbers of parameters that vary.
        steps: Steps of growth and relaxation where memory is measured; nothing is run.
        devices: Whether to compare numbers of devices.
        start: Whether to time the start of processes.
        settings: Of each peer, by module; the fastest on this machine is compared.
    """

    task: Task = dataclasses.field(default_factory=Task)
    rounds: int = 5
    calls: int = 3
    longest_s: float = 1.5
    batches: tuple[int, ...] = tuple(4**i for i in range(3, 10))
    cells: tuple[int, ...] = (10, 30, 100)
    cell_steps: int = 10
    clusters: tuple[int, ...] = (1000, 20_000)
    parameters: tuple[int, ...] = (1, 3, 6)
    steps: tuple[int, ...] = (13, 100, 400)
    devices: bool = True
    start: bool = True
    settings: dict[str, tuple[Setting, ...]] = dataclasses.field(default_factory=lambda: _PEERS)
