"""The real snakemake command, on tiny configurations in folders of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from . import ROOT, SUPPORT

FINISHED = (
    "results/tiny/report.html",
    "results/tiny/provenance.json",
    *("results/own/sensitivity.nc", "results/own/corners.nc"),
)
"""What is made for all tests: one run to its report, the other to its estimates."""


PROGRAMS = {"JAX_COMPILATION_CACHE_DIR": str(ROOT / ".pytest_cache/programs")}
"""For jobs in a process of their own: what one test has had compiled, the next one has."""


def snakemake(
    folder: Path, *arguments: str, snakefile: Path = ROOT / "Snakefile", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the workflow in ``folder``, on its ``config.yaml`` alone."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)),
            *("--directory", str(folder), "--cores", "2", "--nocolor"),
            *("--configfile", str(folder / "config.yaml"), "--replace-workflow-config"),
            *arguments,
        ],
        cwd=folder,
        env=os.environ | PROGRAMS | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def prepare(folder: Path, runs: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SUPPORT / "trap.py", folder)
    (folder / "config.yaml").write_text(yaml.safe_dump({"runs": runs}, sort_keys=False))
    return folder


def tiny() -> dict[str, Any]:
    return yaml.safe_load((SUPPORT / "tiny.yaml").read_text())["runs"]


def copy_of(finished: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    shutil.copytree(finished, folder, copy_function=shutil.copy2)
    return folder


def jobs(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """How many jobs of each rule a run, dry or not, announces."""
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {}
    for line in (done.stdout + done.stderr).partition("Job stats:")[2].splitlines():
        words = line.split()
        if len(words) == 2 and words[1].isdigit():
            counts[words[0]] = int(words[1])
        if words[:1] == ["total"]:
            break
    return counts
