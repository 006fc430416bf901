"""The process of another package (``benchmarks.indices.others``), of a Python that has it."""

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from jaxmorph.errors import JaxmorphError

from ..processes import ROOT


class Python(NamedTuple):
    """An interpreter and the folder of what is installed for it besides."""

    path: Path
    packages: Path


HERE = Python(Path(sys.executable), ROOT / ".bench-packages")
OTHER = Python(ROOT / ".venv-other/bin/python", ROOT / ".bench-jaxgsa")


class Other:
    """A package in a process of the first Python that has it; ends with ``with``.

    Where it is not timed it need not compile well: of jaxgsa each size of a problem is compiled anew.

    Attributes:
        version: Of the package; empty if no Python has it.
    """

    def __init__(
        self, package: str, compiles_well: bool = True, pythons: Sequence[Python] = (HERE, OTHER)
    ):
        self.package, self.version, self._compiles_well = package, "", compiles_well
        self._process: subprocess.Popen[bytes] | None = None
        for python in pythons:
            if python.path.exists() and not self.version:
                self._start(python)
                try:
                    self.version = self.ask("version", package)
                except JaxmorphError:
                    self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def ask(self, function: str, *arguments: Any) -> Any:
        """What a function of ``benchmarks.indices.others`` returns.

        Raises:
            JaxmorphError: What it raised, in a line.
        """
        assert self._process is not None and self._process.stdin and self._process.stdout
        try:
            pickle.dump((function, arguments), self._process.stdin, protocol=4)
            self._process.stdin.flush()
            reply = pickle.load(self._process.stdout)
        except (BrokenPipeError, EOFError):
            raise JaxmorphError(f"{self.package}: its process ended: {self._process.wait()}") from None
        if isinstance(reply, RuntimeError):
            raise JaxmorphError(f"{self.package}: {reply}")
        return reply

    def _start(self, python: Python) -> None:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, python.packages))),
            "JAX_ENABLE_X64": "1",  # as jaxmorph computes
            "JAX_PLATFORMS": "cpu",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        if not self._compiles_well:
            environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
        command = [str(python.path), "-W", "ignore", "-m", "benchmarks.indices.others"]
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
        self._process = subprocess.Popen(
            command, env=environment, stderr=subprocess.DEVNULL, bufsize=-1, **pipes
        )

    def _end(self) -> None:
        if self._process is not None:
            self._process.communicate()
            self._process = None
