"""Faults that a workflow survives: ``python -m benchmarks.faults --faults 50 --seed 1``.

A small workflow, from simulations and an optimisation to films and reports, is disturbed at random
moments and started again, until it has had its share of faults. What it leaves must then be, value for
value and byte for byte, what a workflow that nobody disturbed leaves. Results: ``docs/reliability.md``.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import xarray as xr
import yaml

from .processes import ROOT

_DISK = "256m"
_PATIENCE_S = 600.0
# Made of times, places or versions, or of a page that says them.
_TELLS_THE_TIME = (".json", ".html")
_RUN = {
    "study": "reference",
    "settings": {
        "n_cells": 4,
        "n_steps": 16,
        "relaxation_steps": 2,
        "record_every": 2,
        "window_points": 8,
    },
    "parameters": {"epsilon": "default", "growth_rate": "default"},
    "observables": ["mean_distance", "mean_radius"],
    "design": {"method": "sobol", "samples": 8},
    "seeds": 4,
    "batch": {"samples": 4, "seeds": 2},
    "checks": {"samples": 1, "seeds": 1},
    "optimise": {
        "objective": [{"observable": "mean_radius", "goal": "target", "value": 1.0}],
        "starts": {"method": "sobol", "samples": 2},
        "steps": 10,
    },
}


class Workflow:
    """A workflow in a folder of its own.

    Args:
        folder: Where it is; made here.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({"runs": {"cells": _RUN}}, sort_keys=False)
        (folder / "config.yaml").write_text(text)
        self.said = folder.with_suffix(".said.txt")  # on no disk that is full

    def start(self, *arguments: str) -> subprocess.Popen:
        """Snakemake, in a group of its own."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--directory", str(self.folder), "--cores", "2", "--configfile"]
        command += [str(self.folder / "config.yaml"), "--replace-workflow-config", *arguments]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        environment.pop("TF_CPP_MIN_LOG_LEVEL", None)  # JAX has set it here, and jobs set their own
        with self.said.open("a") as said:
            return subprocess.Popen(
                command, env=environment, stdout=said, stderr=said, start_new_session=True
            )

    def finish(self, *arguments: str) -> int:
        """Run to the end; its status."""
        process = self.start(*arguments)
        try:
            return process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise SystemExit(f"hangs: see {self.said}") from None

    def processes(self) -> list[psutil.Process]:
        """All that work in the folder, or were started by one that does."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if Path(process.cwd()) == self.folder or str(self.folder) in process.cmdline():
                    found.append(process)
        return found

    def files(self) -> list[Path]:
        """Finished ones."""
        return sorted(path for path in (self.folder / "results").rglob("*") if path.is_file())

    def said_last(self) -> str:
        """What Snakemake has printed since it was started first."""
        return self.said.read_text(errors="replace") if self.said.is_file() else ""


Fault = Callable[[Workflow, subprocess.Popen, random.Random], str]


def kill_a_job(workflow: Workflow, main: subprocess.Popen, rng: random.Random) -> str:
    """A node's out-of-memory killer."""
    others = [process for process in workflow.processes() if process.pid != main.pid]
    if others:
        victim = rng.choice(others)
        with contextlib.suppress(psutil.Error):
            victim.kill()
    return "a process of a job killed"


def kill_main(_: Workflow, main: subprocess.Popen, __: random.Random) -> str:
    """The main process alone; its jobs live on for a while."""
    main.kill()
    return "the main process killed"


def kill_all(_: Workflow, main: subprocess.Popen, __: random.Random) -> str:
    """As when the machine loses power."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(main.pid, signal.SIGKILL)
    return "the whole group killed"


def interrupt(_: Workflow, main: subprocess.Popen, __: random.Random) -> str:
    """Ctrl-C."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(main.pid, signal.SIGINT)
    return "Ctrl-C"


def terminate(_: Workflow, main: subprocess.Popen, __: random.Random) -> str:
    """What a cluster sends at the end of the time."""
    main.terminate()
    return "the main process terminated"


def fill_the_disk(workflow: Workflow, _: subprocess.Popen, rng: random.Random) -> str:
    """For some seconds nothing can be written."""
    filler = workflow.folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(bytes(1 << 16))
            file.flush()
    time.sleep(rng.uniform(2, 6))
    filler.unlink()
    return "the disk full, then free"


def another_workflow(workflow: Workflow, main: subprocess.Popen, __: random.Random) -> str:
    """A second one on the same folder: refused by the lock of the first."""
    second = workflow.finish()
    if second == 0 and main.poll() is None:
        raise SystemExit("two workflows ran in one folder at once")
    return "a second workflow"


def shift_a_clock(workflow: Workflow, _: subprocess.Popen, rng: random.Random) -> str:
    """A file as a node leaves it whose clock is off."""
    if files := workflow.files():
        file, off = rng.choice(files), rng.choice((-3600, 3600)) * rng.uniform(0.5, 2)
        with contextlib.suppress(FileNotFoundError):
            os.utime(file, (time.time() + off,) * 2)
    return "a clock that is off"


def lose_a_file(workflow: Workflow, _: subprocess.Popen, rng: random.Random) -> str:
    """Removed by hand, or by a quota."""
    if files := workflow.files():
        rng.choice(files).unlink(missing_ok=True)
    return "a finished file lost"


FAULTS: tuple[Fault, ...] = (
    kill_a_job,
    kill_main,
    kill_all,
    interrupt,
    terminate,
    fill_the_disk,
    another_workflow,
    shift_a_clock,
    lose_a_file,
)


def disturbed(folder: Path, faults: int, rng: random.Random, seconds: float) -> Counter[str]:
    """A workflow that has so many faults, and is then finished; how often it had each.

    Args:
        folder: Where it is; on a disk of its own, if that can be filled.
        faults: How many.
        rng: Decides which, and when.
        seconds: How long it takes if nobody disturbs it.
    """
    workflow, had = Workflow(folder), Counter[str]()
    can_fill = folder.is_mount()
    while had.total() < faults:
        main = workflow.start("--keep-going")
        while had.total() < faults:
            wait = time.monotonic() + rng.uniform(0.05, 0.5) * seconds
            while main.poll() is None and time.monotonic() < wait:
                time.sleep(0.05)
            fault = rng.choice([f for f in FAULTS if can_fill or f is not fill_the_disk])
            done = main.poll() is not None
            if done and fault not in (shift_a_clock, lose_a_file):
                break
            had[fault(workflow, main, rng)] += 1
            if done:
                break
        _end(workflow, main)
        if main.returncode == 0:  # nothing is left to disturb: some of it goes again
            for file in rng.sample(workflow.files(), 3):
                file.unlink()
    # Jobs whose files a fault took away are made in a second round at the latest.
    for _ in range(3):
        workflow.finish("--unlock")
        if workflow.finish() == 0:
            break
    return had


def _end(workflow: Workflow, main: subprocess.Popen) -> None:
    """Wait for it and for all that it has started."""
    try:
        main.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise SystemExit(f"hangs: see {workflow.said}") from None
    deadline = time.monotonic() + 120
    while workflow.processes():
        if time.monotonic() > deadline:
            raise SystemExit(f"processes are left: {workflow.processes()}")
        time.sleep(0.2)
    workflow.finish("--unlock")


def differences(one: Path, other: Path) -> list[str]:
    """Files under ``results`` that only one folder has, or whose values or bytes differ."""
    names = [{p.relative_to(f) for p in (f / "results").rglob("*") if p.is_file()} for f in (one, other)]
    wrong = [f"{name}: only one has it" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        if name.suffix == ".nc":
            with xr.open_dataset(one / name) as a, xr.open_dataset(other / name) as b:
                if not a.drop_attrs().identical(b.drop_attrs()):
                    wrong.append(f"{name}: other values")
        elif (
            name.suffix not in _TELLS_THE_TIME
            and (one / name).read_bytes() != (other / name).read_bytes()
        ):
            wrong.append(f"{name}: other bytes")
    return wrong


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[Path]:
    """A folder on a small disk of its own, where this user may make one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    mounted = bool(
        shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    )
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def survive(faults: int, seed: int, each: int = 10) -> Counter[str]:
    """Disturb workflows with ``each`` faults one after the other, until there were ``faults``.

    Raises:
        SystemExit: One left something else than a workflow that nobody disturbed, or hung.
    """
    rng, had = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="jaxmorph-faults-") as base:
        calm = Workflow(Path(base, "calm"))
        start = time.monotonic()
        if calm.finish():
            raise SystemExit(calm.said_last())
        seconds = time.monotonic() - start
        print(f"undisturbed: {seconds:.0f} s, {len(calm.files())} files", flush=True)
        number = 0
        while had.total() < faults:
            number += 1
            with _disk(Path(base, f"disturbed-{number}")) as folder:
                found = disturbed(folder, min(each, faults - had.total()), rng, seconds)
                workflow = Workflow(folder)
                if wrong := differences(calm.folder, folder):
                    kept = tempfile.mkdtemp(prefix="jaxmorph-faults-kept-")
                    shutil.copytree(folder, kept, dirs_exist_ok=True)
                    raise SystemExit("\n".join([f"workflow {number}, kept in {kept}:", *wrong]))
                said = workflow.said_last()
                tracebacks = len(re.findall(r"^Traceback", said, re.MULTILINE))
                defects = said.count("defect of jaxmorph")
            had += found
            print(
                f"workflow {number}: {found.total()} faults, as if undisturbed; "
                f"{tracebacks} tracebacks, {defects} said to be defects",
                flush=True,
            )
    return had


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.faults")
    parser.add_argument("--faults", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    start = time.monotonic()
    had = survive(arguments.faults, arguments.seed)
    for fault, times in sorted(had.items()):
        print(f"{times:4d}  {fault}")
    print(f"{had.total()} faults in {time.monotonic() - start:.0f} s, and nothing differed")


if __name__ == "__main__":
    main()
