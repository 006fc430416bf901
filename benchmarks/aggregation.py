"""Time and memory of the estimates of a large run: many batch files into one sensitivity.nc.

    python benchmarks/aggregation.py FOLDER --batches 250 500 1000
    python benchmarks/aggregation.py FOLDER --batches 4 --samples 4096 --seeds 8 --slabs 2

Makes the batch files first (64 samples x 16 seeds, 6 observables, 20 times, 6 parameters each, or of
another size), then estimates in a process of its own; prints its peak memory (resident set) and time.
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
from typing import Any, NamedTuple

import numpy as np

from jaxmorph import store
from jaxmorph.configuration import Run
from jaxmorph.jobs import analyse

TIMES = 20
NAMES = ("epsilon", "alpha", "max_radius", "growth_rate", "kT", "gamma")
UNIFORM = {"distribution": "uniform", "low": 1.0, "high": 2.0}


class Size(NamedTuple):
    """Samples and seeds of a batch, and how many batches hold the same samples."""

    samples: int
    seeds: int
    slabs: int


def spec(n_batches: int, size: Size) -> dict[str, Any]:
    """A run of that many batches; the latin hypercube takes any number of samples."""
    return {
        "study": "reference",
        "parameters": dict.fromkeys(NAMES, UNIFORM),
        "design": {"method": "latin-hypercube", "samples": n_batches // size.slabs * size.samples},
        "seeds": size.seeds * size.slabs,
        "batch": {"samples": size.samples, "seeds": size.seeds},
        "trajectories": {"samples": [], "seeds": []},
    }


def make_files(folder: Path, n_batches: int, size: Size) -> None:
    """A study file, a design and batches with a linear model and noise, one random slab rotated."""
    run = Run.model_validate(spec(n_batches, size))
    about = {
        "study": "reference",
        "study_description": "made up",
        "study_source": "",
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
    analyse.make_design("large", run, study, str(design), record)
    points = store.read_dataset(design, "design")["parameter_value"].values
    noise = np.random.default_rng(0).standard_normal((size.samples, size.seeds, TIMES, 6, 6)).round(1)
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
            attributes=store.provenance("large", {"key": 0})
            | dict.fromkeys(("precision", "gradient_mode", "gradient_mode_reason"), "none")
            | {"wall_time_s": 0.0},
        )
        store.write_dataset(dataset, path, "batch")


def estimate(folder: Path, n_batches: int, size: Size) -> None:
    """The job under test."""
    batches = [str(p) for p in sorted((folder / "batches").glob("*.nc"))][:n_batches]
    analyse.estimate_sensitivity(
        "large",
        Run.model_validate(spec(n_batches, size)),
        str(folder / "design.nc"),
        batches,
        str(folder / "sensitivity.nc"),
    )


def measure(folder: Path, n_batches: int, size: Size) -> dict[str, float]:
    """Time and memory of the estimates from so many batches, in a process of their own."""
    make_files(folder, n_batches, size)
    command = [sys.executable, __file__, "--estimate", "--batches", str(n_batches)]
    sizes = [f"--{name}={value}" for name, value in size._asdict().items()]
    done = subprocess.run(
        [*command, *sizes, str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        # As Snakemake does for a rule with one thread; two are no faster, and take twice the time.
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Make the files, then run this script again for the estimates alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[64])
    parser.add_argument("--samples", type=int, default=64, help="of a batch")
    parser.add_argument("--seeds", type=int, default=16, help="of a batch")
    parser.add_argument("--slabs", type=int, default=1, help="of seeds: files for the same samples")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--estimate", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    size = Size(arguments.samples, arguments.seeds, arguments.slabs)
    if arguments.estimate:
        logging.basicConfig(level=logging.WARNING)
        start, cpu = time.monotonic(), time.process_time()
        estimate(arguments.folder, arguments.batches[0], size)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        times = {"seconds": time.monotonic() - start, "cpu": time.process_time() - cpu}
        print(json.dumps(times | {"peak_bytes": peak}))
        return
    for n in arguments.batches:
        folder = arguments.folder / str(n)
        result = measure(folder, n, size)
        written = (folder / "sensitivity.nc").stat().st_size
        print(
            f"{n} batch files: {result['seconds']:.0f} s ({result['cpu']:.0f} s of CPU), peak memory "
            f"{result['peak_bytes'] / 1e9:.2f} GB, sensitivity.nc {written / 1e9:.2f} GB",
            flush=True,
        )


if __name__ == "__main__":
    main()
