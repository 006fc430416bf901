"""Fixtures that several files of tests share, and the peak memory of each worker, said at the end."""

import fcntl
import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import stored
from support.workflow import prepare, snakemake, tiny

PEAKS = pytest.StashKey[dict[str, float]]()


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision, for tests that use the physics without the engine."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture(params=["stored", pytest.param("computed", marks=pytest.mark.slow)])
def from_jax_md(request: pytest.FixtureRequest) -> Callable[[Callable[[], Any]], Any]:
    """Of a function that calls jax-md: its numbers as they are stored, and computed again."""
    again = request.param == "computed"
    name = request.node.name.replace(request.param, "")
    return lambda compute: stored.numbers(name, compute, again=again)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder by a function of it; of all workers, the first that asks does, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, whole = shared / name, shared / f"{name}.whole"
        with open(shared / f"{name}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                folder.mkdir()
                make(folder)
                whole.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def finished(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A folder in which both tiny runs have been made, all the way to the reports; it is only read.

    What Snakemake printed is in ``snakemake.out`` beside it.
    """

    def make(folder: Path) -> None:
        done = snakemake(prepare(folder, tiny()))
        assert done.returncode == 0, done.stdout + done.stderr
        (folder.parent / "snakemake.out").write_text(done.stderr + done.stdout)

    return made_once("finished", make)


# --- the peak memory of each worker --------------------------------------------------------------


def _peak_gb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def pytest_configure(config: pytest.Config) -> None:
    config.stash[PEAKS] = {}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Of pytest-xdist: a worker has ended."""
    if "peak_gb" in (output := getattr(node, "workeroutput", {})):
        node.config.stash[PEAKS][node.gateway.id] = output["peak_gb"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak_gb"] = _peak_gb()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    peaks = terminalreporter.config.stash[PEAKS] or {"this process": _peak_gb()}
    told = ", ".join(f"{name} {peak:.1f} GB" for name, peak in sorted(peaks.items()))
    terminalreporter.write_line(f"Peak memory: {told}")
