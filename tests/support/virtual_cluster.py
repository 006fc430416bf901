"""What the tests do on a Slurm: bring it up, run the workflow on it, hold jobs and disturb them."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import xarray as xr
import yaml

from . import ROOT, SUPPORT

# A level of the workflow's graph takes half a minute on two idle cores; a busy machine takes longer.
LEVEL_S = 150
T = TypeVar("T")


class Cluster:
    """The Slurm that ``scripts/slurm-cluster`` makes in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.clients: list[subprocess.Popen[bytes]] = []
        self.path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"

    def control(self, action: str, *daemon: str) -> subprocess.CompletedProcess[str]:
        """Call ``scripts/slurm-cluster``."""
        command = [
            sys.executable,
            str(ROOT / "scripts/slurm-cluster"),
            action,
            str(self.folder),
            *daemon,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    def do(self, action: str, *daemon: str) -> None:
        """The same, and it must succeed."""
        done = self.control(action, *daemon)
        assert done.returncode == 0, done.stderr

    def slurm(self, *command: str) -> str:
        """Run one of Slurm's commands."""
        done = subprocess.run(
            command, env=os.environ | {"PATH": self.path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def answers(self) -> bool:
        """Whether the controller does."""
        command = [str(self.folder / "bin/scontrol"), "ping"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def down(self) -> None:
        """End everything, each Snakemake included."""
        for client in self.clients:
            client.kill()
            client.wait()
        self.do("down")

    def jobs(self) -> dict[str, tuple[str, str, str]]:
        """The jobs that wait or run: id -> (state, node, comment)."""
        lines = self.slurm("squeue", "--noheader", "--format=%i|%T|%N|%k").splitlines()
        split = [line.split("|") for line in lines]
        return {words[0]: (words[1], words[2], words[3]) for words in split}

    def count_anew(self) -> None:
        """Have the controller count what its jobs use.

        One of Slurm 22.05 that was restarted while jobs ran may keep the GPU of a job that ended then:
        the node is idle, says ``GresUsed``, and is given no job.
        """
        self.slurm("scontrol", "reconfigure")

    def running_per_node(self) -> Counter[str]:
        """How many jobs run on each node."""
        return Counter(node for state, node, _ in self.jobs().values() if state == "RUNNING")


class Workflow:
    """A copy of the repository, with its own configuration, in which Snakemake is started."""

    def __init__(self, folder: Path, cluster: Cluster, run: dict[str, Any]):
        self.folder, self.cluster = folder, cluster
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "snakemake.out"
        for name in ("jaxmorph", "workflow", "profiles", "envs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("Snakefile", "slurm", "pyproject.toml"):
            shutil.copy(ROOT / name, folder, follow_symlinks=False)
        for name in ("held.py", "trap.py"):
            shutil.copy(SUPPORT / name, folder)
        (folder / "config").mkdir()
        (folder / "gate").mkdir()
        self.configure(run)

    def configure(self, run: dict[str, Any]) -> None:
        """Write the configuration of the only run, ``held``."""
        (self.folder / "config/config.yaml").write_text(yaml.safe_dump({"runs": {"held": run}}))

    def start(self, *arguments: str, **environment: str) -> None:
        """Start Snakemake; what it says goes to a new ``log``."""
        self.log = self.folder / f"snakemake-{time.monotonic_ns()}.out"
        outside = {name: value for name, value in os.environ.items() if not name.startswith("JAXMORPH_")}
        here = {"PATH": self.cluster.path, "PYTHONPATH": str(self.folder)}
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                ["snakemake", *arguments],
                cwd=self.folder,
                env=outside | here | environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.cluster.clients.append(self.process)

    def on_slurm(self, *arguments: str, stand_in: bool = True) -> None:
        """Start the literal command; only its polling is faster.

        Args:
            arguments: More for Snakemake.
            stand_in: Whether jobs may take the CPU for the GPU that they were given.
        """
        profile = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "5")
        self.start(*profile, *arguments, **({"JAXMORPH_CPU_FOR_GPU": "1"} if stand_in else {}))

    def finish(self, seconds: float, *, succeeds: bool = True) -> str:
        """Wait for Snakemake's end; gives what it said."""
        assert self.process is not None
        self.wait_for(
            "Snakemake's end", lambda: self.process and self.process.poll() is not None, seconds
        )
        said = self.log.read_text()
        assert (self.process.returncode == 0) == succeeds, self.evidence()
        return said

    def close_gate(self) -> None:
        """Hold each batch job that comes, with one of its pieces done."""
        (self.folder / "gate/closed").touch()

    def open_gate(self, *, but_for: int | None = None) -> None:
        """Let the held jobs go on, all or all but one process."""
        if but_for:
            (self.folder / f"gate/{but_for}").touch()
        (self.folder / "gate/closed").unlink()

    def release(self, pid: int) -> None:
        """Let the one process go on."""
        (self.folder / f"gate/{pid}").unlink()

    def held(self) -> list[dict[str, Any]]:
        """The notes of the jobs that are held and alive, oldest first."""
        notes = sorted((self.folder / "gate").glob("*.json"), key=lambda path: path.stat().st_mtime)
        return [note for note in map(_read, notes) if alive(note["pid"])]

    def wait_for(self, what: str, condition: Callable[[], T], seconds: float) -> T:
        """The first value of ``condition`` that is true; fails with the logs if none comes in time."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"no {what} in {seconds:g} s\n{self.evidence()}"
            time.sleep(0.2)
        return value

    def evidence(self) -> str:
        """The ends of all logs, for a failing test."""
        logs = [self.log, *(self.folder / "logs").rglob("*.log")]
        logs += (self.folder / ".snakemake/slurm_logs").rglob("*.log")
        logs += self.cluster.folder.glob("*.log")
        ends = [f"--- {log}\n" + "\n".join(log.read_text().splitlines()[-25:]) for log in logs]
        nodes = self.cluster.slurm("scontrol", "--details", "show", "nodes")
        queue = self.cluster.slurm("squeue", "--states=all")
        return "\n".join([*ends, "--- nodes", nodes, "--- squeue", queue])

    def estimates(self) -> xr.Dataset:
        """The estimates of the run, in memory."""
        with xr.open_dataset(self.folder / "results/held/sensitivity.nc", decode_times=False) as file:
            return file.load()


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def finished(said: str) -> Counter[str]:
    """How many jobs of each rule came to an end."""
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", said))


def submitted(said: str) -> int:
    """How many jobs were handed to Slurm."""
    return said.count("has been submitted with SLURM jobid")


def assert_same_values(one: xr.Dataset, other: xr.Dataset) -> None:
    """Every variable of both is the same, to the last bit; attributes (times, hosts) may differ."""
    assert set(one.variables) == set(other.variables)
    differing = [name for name in one.variables if not one[name].variable.equals(other[name].variable)]
    assert not differing
