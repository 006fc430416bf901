"""Where a dataset came from: code, versions, machine, job, time, and the points it was made for."""

import datetime
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from .. import __version__
from ..configuration.elsewhere import placeless
from ..quantities import Attributes

_LIBRARIES = (
    "jax",
    "jaxlib",
    "jax-cuda12-plugin",
    "jax-cuda13-plugin",
    "equinox",
    "jax-md",
    "jaxtyping",
    "numpy",
    "optax",
    "scipy",
    "SALib",
    "xarray",
    "netCDF4",
    "pydantic",
    "pandas",
    "matplotlib",
    "snakemake",
    "snakemake-executor-plugin-slurm",
)
# How the schedulers name a job in its environment.
_SCHEDULERS = {"SLURM_JOB_ID": "slurm", "PBS_JOBID": "pbs", "LSB_JOBID": "lsf"}
_ROOT = Path(__file__).parents[2]
# Each job is a process of its own, which imports this as it starts.
_START = datetime.datetime.now(datetime.UTC)

NO_COMMIT = "none"
"""``git_commit`` of a package that is not in a checkout, or where git cannot tell."""
_SUMMARISED = ("host", "device", "job_id", "code", "library_versions")
_MOST_VALUES = 20


def provenance(run: str, configuration: Mapping[str, JsonValue]) -> dict[str, str | float]:
    """Global attributes of every file of ``run``: what was asked for, of which code, where and when.

    ``end`` is now, and ``device`` that of a job without JAX; one that has used JAX says which.
    """
    commit, dirty = _git()
    key = configuration.get("key")
    now = _iso(datetime.datetime.now(datetime.UTC))
    return {
        "title": f"jaxmorph: {run}",
        "history": f"{now} written by jaxmorph {__version__}",
        "run": run,
        "configuration": json.dumps(placeless(configuration)),
        "code_version": __version__,
        "git_commit": commit,
        "git_dirty": dirty,
        "library_versions": json.dumps(_library_versions()),
        "device": "cpu",
        "host": _host(),
        "job_id": _job_id(),
        "start": _iso(_START),
        "end": now,
        "cpu_time_s": round(time.process_time(), 2),
        **({} if key is None else {"random_key": int(str(key))}),
    }


def design_hash(parameter_value: np.ndarray) -> str:
    """SHA-256 of points (sample, parameter), as little-endian float64, row by row."""
    return hashlib.sha256(np.ascontiguousarray(parameter_value, "<f8").tobytes()).hexdigest()


class Summary:
    """What the files of many jobs say of their origin, in a number of bytes that does not grow."""

    def __init__(self) -> None:
        self._values: dict[str, Counter[str]] = {name: Counter() for name in _SUMMARISED}
        self._times: list[str] = []
        self._count = 0
        self.wall_time = self.cpu_time = 0.0

    def add(self, attributes: Attributes) -> None:
        """Count the attributes of one file."""
        self._count += 1
        known = {**attributes, "code": code(attributes)}
        for name, values in self._values.items():
            if name in known:
                values[str(known[name])] += 1
        times = [str(attributes[end]) for end in ("start", "end") if end in attributes]
        # All are UTC and ISO 8601, whose order is that of time.
        self._times = [f(self._times + times) for f in (min, max)] if self._times or times else []
        self.wall_time += float(attributes.get("wall_time_s", 0.0))
        self.cpu_time += float(attributes.get("cpu_time_s", 0.0))

    def attributes(self) -> dict[str, str | float]:
        """``batch_<name>``: JSON of how many different values, and of how many files have each."""
        result: dict[str, str | float] = {"batch_count": self._count}
        for name, values in self._values.items():
            most = dict(values.most_common(_MOST_VALUES))
            result[f"batch_{name}"] = json.dumps({"different": len(values), "files": most})
        if self._times:
            result["batch_start"], result["batch_end"] = self._times
        times = {"wall_time_s": self.wall_time, "cpu_time_s": self.cpu_time}
        return result | {f"batch_{name}": round(seconds, 2) for name, seconds in times.items()}


def code(attributes: Attributes) -> str:
    """Version of the code that made a file, with its commit: ``0.1.0, commit abc (with changes)``."""
    version, commit = attributes.get("code_version", ""), attributes.get("git_commit", NO_COMMIT)
    if commit == NO_COMMIT:
        return str(version)
    changed = " with uncommitted changes" if attributes.get("git_dirty") == "yes" else ""
    return f"{version}, commit {commit}{changed}"


def _iso(when: datetime.datetime) -> str:
    return when.isoformat(timespec="seconds")


def _host() -> str:
    """The node under a scheduler; else digits that stand for the machine, often named for its user."""
    host, node = platform.node(), os.environ.get("SLURMD_NODENAME")
    if any(map(os.environ.get, _SCHEDULERS)):
        return node or host
    return f"local {hashlib.sha256(host.encode()).hexdigest()[:8]}"


def _job_id() -> str:
    """The scheduler's number of this job, else that of the process."""
    for variable, scheduler in _SCHEDULERS.items():
        if job := os.environ.get(variable):
            return f"{scheduler} {job}"
    return f"local {os.getpid()}"


@functools.cache
def _git() -> tuple[str, str]:
    """The commit of the package's checkout, and whether tracked files differ from it: yes or no.

    One call, and only in a checkout: the repository of somebody who has installed the package below
    it is not ours. It takes no lock and reads no untracked file.
    """
    unknown = NO_COMMIT, "unknown"
    if not (_ROOT / ".git").exists():
        return unknown
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        lines = subprocess.run(
            ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"],
            cwd=_ROOT,
            env=environment | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return unknown
    commits = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    changed = any(not line.startswith("#") for line in lines)
    return (commits[0], "yes" if changed else "no") if commits else unknown


@functools.cache
def _library_versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "platform": sys.platform}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
