"""Fixtures that several files of tests share, and the peak memory of each worker, said at the end."""

import contextlib
import ctypes
import fcntl
import gc
import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
from jaxtyping import install_import_hook
from support.typechecking import checked
from support.workflow import FINISHED, copy_of, prepare, snakemake, tiny

PEAKS = pytest.StashKey[dict[str, float]]()

# As in jobs: XLA misses hints of its own in what it compiled on the same CPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Annotated shapes and types are checked while tests run, in these rooms that compute with arrays.
_CHECKED = (
    *("engine", "env", "native", "observables", "optimisation", "sensitivity", "simulation"),
    *("space", "state", "steps", "studies", "tracing"),
)
install_import_hook(
    [f"jaxmorph.{room}" for room in _CHECKED], f"{checked.__module__}.{checked.__name__}"
)


@pytest.fixture
def mistyped() -> Iterator[None]:
    """Annotations are not checked: the test gives what they forbid, and looks at what is said of it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def optimised() -> Iterator[None]:
    """XLA compiles as in jobs, also in `make test`: last digits count, or the test stands on an edge."""
    import jax

    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision, for tests that use the physics without the engine."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture(params=["stored", pytest.param("computed", marks=pytest.mark.slow)])
def from_jax_md(request: pytest.FixtureRequest) -> Callable[[Callable[[], Any]], Any]:
    """Of a function that calls jax-md: its numbers as they are stored, and computed again."""
    from support import stored

    again = request.param == "computed"
    name = request.node.name.replace(request.param, "")
    return lambda compute: stored.numbers(name, compute, again=again)


@pytest.fixture(scope="session")
def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this session that all workers have."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def made_once(of_all_workers: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder by a function of it; of all workers, the first that asks does, the others wait."""
    shared = of_all_workers

    def made(name: str, make: Callable[[Path], None]) -> Path:
        folder, whole = shared / name, shared / f"{name}.whole"
        with open(shared / f"{name}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                whole.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def finished(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A folder with the tiny runs: one all the way to its report, the other to its estimates.

    It is only read. What Snakemake printed is in ``snakemake.out`` beside it.
    """

    def make(folder: Path) -> None:
        done = snakemake(prepare(folder, tiny()), *FINISHED)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder.parent / "snakemake.out").write_text(done.stderr + done.stdout)

    return made_once("finished", make)


@pytest.fixture(scope="session")
def both_finished(made_once: Callable[[str, Callable[[Path], None]], Path], finished: Path) -> Path:
    """The same, with the report of both runs: for slow tests."""

    def make(folder: Path) -> None:
        done = snakemake(copy_of(finished, folder))
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "snakemake.out").write_text(done.stderr + done.stdout)

    return made_once("both-finished", make) / "copy"


# --- compiled programs ---------------------------------------------------------------------------


@pytest.fixture(scope="session")
def compiled(of_all_workers: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where JAX keeps compiled programs on disk: this process, and all workers."""
    own, shared = tmp_path_factory.mktemp("compiled"), of_all_workers / "compiled"
    shared.mkdir(exist_ok=True)
    if "jax" in sys.modules:
        import jax

        jax.config.update("jax_compilation_cache_dir", str(own))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        # XLA's own caches would make the folder's name a part of every program's key.
        jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    return own, shared


@pytest.fixture(scope="module", autouse=True)
def few_programs_in_memory(compiled: tuple[Path, Path]) -> Iterator[None]:
    """Programs leave memory with the file of tests that they were for; many small ones are read again.

    JAX writes in place, so that workers get each other's programs as links, when they are whole.
    """
    own, shared = compiled
    _link_new(shared, own)
    yield
    _link_new(own, shared)
    if "jax" in sys.modules:
        import jax

        jax.clear_caches()
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _link_new(source: Path, target: Path) -> None:
    for name in {path.name for path in source.iterdir()} - {path.name for path in target.iterdir()}:
        with contextlib.suppress(FileExistsError):
            os.link(source / name, target / name)


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
