#!/usr/bin/env python3
"""How long Snakemake plans runs of many batches: nothing is simulated.

    python benchmarks/dag.py --batches 1000 5000 20000

Three things are timed, each a process of its own, parsing included: the plan of a new run; the plan
when everything is there (the files are empty, marked as up to date by ``snakemake --touch``); and what a
job of a cluster does before it starts its own work, the plan of one batch.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLES, SEEDS = 64, 16
RUN = """runs:
  many:
    study: reference
    parameters: {{epsilon: default, alpha: default, kT: default}}
    design: {{method: sobol, samples: {samples}}}
    seeds: {seeds}
    batch: {{samples: 64, seeds: 16}}
"""
COST = """{"seconds_per_simulation": 0.025, "compile_s": 10, "result_bytes_per_simulation": 6720,
"program_bytes": 0}"""


def snakemake(folder: Path, *arguments: str) -> tuple[float, float, float]:
    """Run it in ``folder``; seconds of processor time and of the clock, and peak memory in MB."""
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
        *("--directory", str(folder), "--configfile", str(folder / "config.yaml")),
        *("--replace-workflow-config", "--quiet", "all", "--cores", "1", *arguments),
    ]
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(output.read())
    return used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss * 1024 / 1e6


def outputs(folder: Path) -> list[str]:
    """Every file that the run leaves, by Snakemake's own account."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--summary"),
            *("--directory", str(folder), "--configfile", str(folder / "config.yaml")),
            "--replace-workflow-config",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split("\t")[0] for line in done.stdout.splitlines()]
    return [line for line in lines if line.startswith("results/")]


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[1000, 5000, 20000], help="multiples of 8"
    )
    parser.add_argument("--new-only", action="store_true", help="time the plan of a new run alone")
    arguments = parser.parse_args()
    print("batches  what               processor s  clock s  memory MB")
    for batches in arguments.batches:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            text = RUN.format(samples=8 * SAMPLES, seeds=batches // 8 * SEEDS)
            (folder / "config.yaml").write_text(text)
            row(batches, "new run", *snakemake(folder, "--dry-run"))
            if arguments.new_only:
                continue
            for file in outputs(folder):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).touch()
            (folder / "results/many/cost.json").write_text(COST)
            snakemake(folder, "--touch")
            row(batches, "everything there", *snakemake(folder, "--dry-run"))
            row(batches, "one batch", *snakemake(folder, "--dry-run", "results/many/batches/000-000.nc"))


def row(batches: int, what: str, used: float, clock: float, memory: float) -> None:
    """Prints a line of the table."""
    print(f"{batches:>7}  {what:<17} {used:>12.1f} {clock:>8.1f} {memory:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
