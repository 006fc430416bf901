"""What is compared: each module builds a program that computes values and derivatives of a task.

``build(task, **setting)`` compiles; the program, called, evaluates all of the task's simulations and
returns their values and derivatives when they are there.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np

from ..task import Task


class Program(Protocol):
    """A compiled program.

    Attributes:
        memory: Bytes that it needs while it runs, arguments and results included.
    """

    memory: float

    def __call__(self) -> tuple[np.ndarray, np.ndarray]:
        """Values (sample, seed, ...) and derivatives (sample, seed, ..., parameter)."""


def build(name: str, task: Task, **setting: Any) -> Program:
    """The program of the competitor that is the module ``name`` here."""
    return importlib.import_module(f"{__name__}.{name}").build(task, **setting)
