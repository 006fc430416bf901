"""Time and memory of the estimates of a large run: many batch files into one sensitivity.nc.

    python scripts/benchmark_aggregation.py --batches 1024 --folder /tmp/aggregate

Makes the batch files first (64 samples x 16 seeds, 6 observables, 20 times, 6 parameters each), then
estimates in a process of its own, whose peak memory (resident set) and time it prints.
"""

import argparse
import json
import logging
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from jaxmorph import store
from jaxmorph.configuration import Run
from jaxmorph.jobs import analyse

SAMPLES, SEEDS, TIMES = 64, 16, 20
NAMES = ("epsilon", "alpha", "max_radius", "growth_rate", "kT", "gamma")
UNIFORM = {"distribution": "uniform", "low": 1.0, "high": 2.0}


def spec(n_batches: int) -> dict[str, Any]:
    """A run of that many batches; the latin hypercube takes any number of samples."""
    return {
        "study": "reference",
        "parameters": dict.fromkeys(NAMES, UNIFORM),
        "design": {"method": "latin-hypercube", "samples": n_batches * SAMPLES},
        "seeds": SEEDS,
        "batch": {"samples": SAMPLES, "seeds": SEEDS},
        "trajectories": {"samples": [], "seeds": []},
    }


def make_files(folder: Path, n_batches: int) -> None:
    """A study file, a design and batches with a linear model and noise, one random slab rotated."""
    run = Run.model_validate(spec(n_batches))
    about = {
        "study": "reference",
        "study_description": "made up",
        "settings": {},
        "fixed_parameters": {},
        "stochastic": True,
        "parameters": [
            {"name": n, "unit": "1", "description": n, "default": 1.5, "distribution": UNIFORM}
            for n in NAMES
        ],
    }
    store.write_json(about, folder / "study.json")
    design = folder / "design.nc"
    study, record = str(folder / "study.json"), str(folder / "design.json")
    analyse.make_design("large", spec(n_batches), study, str(design), record)
    points = store.read_dataset(design, "design")["parameter_value"].values
    noise = np.random.default_rng(0).standard_normal((SAMPLES, SEEDS, TIMES, 6, 6)).round(1)
    described = [SimpleNamespace(name=n, unit="1", description=n) for n in NAMES]
    slope = np.arange(1, 7) / 6
    for i, (name, batch) in enumerate(run.batches.items()):
        path = folder / "batches" / f"{name}.nc"
        if path.exists():
            continue
        theta = points[list(batch.samples)]
        value = (theta @ slope)[:, None, None, None] + np.roll(noise[..., 0], i, axis=0)
        dataset = store.batch_dataset(
            samples=np.array(batch.samples),
            seeds=np.array(batch.seeds),
            time=np.arange(TIMES, dtype=float),
            time_unit="1",
            parameter_value=theta,
            parameters=described,
            observables=described,
            value=value,
            gradient=slope + np.roll(noise, i, axis=0),
            attributes=dict.fromkeys(
                ("device", "precision", "gradient_mode", "gradient_mode_reason"), "none"
            )
            | {"random_key": 0, "wall_time_s": 0.0},
        )
        store.write_dataset(dataset, path, "batch")


def estimate(folder: Path, n_batches: int) -> None:
    """The job under test."""
    batches = [str(p) for p in sorted((folder / "batches").glob("*.nc"))][:n_batches]
    analyse.estimate_sensitivity(
        "large", spec(n_batches), str(folder / "design.nc"), batches, str(folder / "sensitivity.nc")
    )


def main() -> None:
    """Make the files, then run this script again for the estimates alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, default=64)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--estimate", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.estimate:
        logging.basicConfig(level=logging.WARNING)
        start = time.monotonic()
        estimate(arguments.folder, arguments.batches)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": time.monotonic() - start, "peak_bytes": peak}))
        return
    make_files(arguments.folder, arguments.batches)
    command = [sys.executable, __file__, "--estimate", "--batches", str(arguments.batches)]
    done = subprocess.run(
        [*command, "--folder", str(arguments.folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    size = (arguments.folder / "sensitivity.nc").stat().st_size
    print(
        f"{arguments.batches} batch files: {result['seconds']:.0f} s, peak memory "
        f"{result['peak_bytes'] / 1e9:.2f} GB, sensitivity.nc {size / 1e9:.2f} GB"
    )


if __name__ == "__main__":
    main()
