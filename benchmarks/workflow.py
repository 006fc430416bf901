"""What the workflow takes beside simulations: plans, jobs, estimates; functions to call in Python."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from jaxmorph import store
from jaxmorph.configuration import Cost, Run, write_cost
from jaxmorph.configuration.specify import Specifications
from jaxmorph.jobs.forks import FOLDER

from .processes import ROOT
from .task import PARAMETERS

_FIRST = "results/many/batches/000-000.nc"
_COST = Cost(
    device="cpu",
    threads=1,
    simulations=32,
    seconds_per_simulation=0.025,
    compile_s=10.0,
    result_bytes_per_simulation=6720,
    program_bytes=0,
)
_COMPILED = re.compile(r"traced in ([\d.]+) s, compiled in ([\d.]+) s")
# All that a job imports, with JAX's devices; SciPy's statistics are imported when a design is made.
_IMPORTS = (
    "import jax, snakemake, scipy.stats, jaxmorph.jobs.devices, jaxmorph.jobs.simulate; jax.devices()"
)


def measured(folder: Path, *command: str) -> tuple[float, float, float, str]:
    """Seconds of processors and of the clock, peak memory in MB, and output of a command of Python."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        pipes: dict[str, Any] = {"stdout": output, "stderr": subprocess.STDOUT}
        process = subprocess.Popen([sys.executable, *command], cwd=folder, **pipes)
        _, process.returncode, used = os.wait4(process.pid, 0)
        clock = time.monotonic() - start
        output.seek(0)
        if process.returncode:
            sys.exit(output.read())
        return used.ru_utime + used.ru_stime, clock, used.ru_maxrss * 1024 / 1e6, output.read()


def snakemake(folder: Path, runs: dict, *arguments: str) -> tuple[float, float, float, str]:
    """The workflow in ``folder``, on one core."""
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"runs": runs}, sort_keys=False), encoding="utf-8")
    command = ("-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(config))
    return measured(folder, *command, "--replace-workflow-config", "--cores", "1", *arguments)


def _run(method: str, n_samples: int, n_seeds: int, batch: tuple[int, int]) -> dict[str, Any]:
    """A run of the reference study, of so many samples and seeds, in batches of so many."""
    return {
        "study": "reference",
        "parameters": dict.fromkeys(PARAMETERS, "default"),
        "design": {"method": method, "samples": n_samples},
        "seeds": n_seeds,
        "batch": {"samples": batch[0], "seeds": batch[1]},
        "trajectories": {"samples": [], "seeds": []},
    }


def _taken(folder: Path, run: str, job: str) -> pd.Series:
    """What a job has used by its own account."""
    return pd.read_csv(folder / f"logs/{run}/{job}.tsv", sep="\t").iloc[0]


def dag(batches: tuple[int, ...] = (1000, 5000, 20000)) -> None:
    """How long Snakemake plans runs of many batches (multiples of 8): nothing is simulated.

    Parsing included: the plan of a new run; that when everything is there (empty files, marked as up to
    date by ``snakemake --touch``); and the plan of one batch, as a job of a cluster makes it.
    """
    print("batches  what               processor s  clock s  memory MB")
    for n in batches:
        runs = {"many": _run("sobol", 8 * 64, n // 8 * 16, (64, 16))}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _plan(folder, runs, n, "new run")
            summary = snakemake(folder, runs, "--summary")[-1].splitlines()
            for file in (line.split("\t")[0] for line in summary):
                if file.startswith("results/"):
                    (folder / file).parent.mkdir(parents=True, exist_ok=True)
                    (folder / file).touch()
            write_cost(_COST, folder / "results/many/cost.json")
            snakemake(folder, runs, "--touch")
            _plan(folder, runs, n, "everything there")
            _plan(folder, runs, n, "one batch", _FIRST)


def many_runs(numbers: tuple[int, ...] = (500, 2000)) -> None:
    """How long Snakemake plans so many new runs of one configuration: nothing is simulated."""
    print("runs     what               processor s  clock s  memory MB")
    for n in numbers:
        run = {
            "study": "ishigami",
            "parameters": dict.fromkeys(("x1", "x2", "x3"), "default"),
            "design": {"method": "sobol", "samples": 64},
            "seeds": 1,
        }
        with tempfile.TemporaryDirectory() as name:
            _plan(Path(name), {f"r{i:04d}": run | {"key": i} for i in range(n)}, n, "new runs")


def _plan(folder: Path, runs: dict[str, Any], n: int, what: str, *targets: str) -> None:
    cpu, clock, memory, _ = snakemake(folder, runs, *targets, "--dry-run", "--quiet", "all")
    print(f"{n:>7}  {what:<17} {cpu:>12.1f} {clock:>8.1f} {memory:>10.0f}", flush=True)


def job(samples: tuple[int, ...] = (8, 32, 128), seeds: int = 8, options: tuple[str, ...] = ()) -> None:
    """What a job costs beyond its simulations, from the benchmark files of batches of several sizes.

    A size is a run of two batches of the reference study on one core: the first compiles its program,
    the second finds it in the cache. A line through the times of the second ones has at 0 simulations
    the cost of a job. Of it, imports are timed by themselves, and logs say how long it traced and
    compiled. Each job starts by itself, as on a cluster. ``options`` are Snakemake's, as
    ``("--profile", "slurm")``.
    """
    os.environ[FOLDER] = ""
    runs = {f"of{n * seeds}": _run("sobol", 2 * n, seeds, (n, seeds)) for n in samples}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for batch in ("000-000", "001-000"):
            targets = [f"results/{run}/batches/{batch}.nc" for run in runs]
            snakemake(folder, runs, *options, *targets)
            for run in runs:
                used = _taken(folder, run, f"batches/{batch}")
                log = (folder / f"logs/{run}/batches/{batch}.log").read_text(encoding="utf-8")
                stages = np.array(_COMPILED.findall(log), float).sum(axis=0)
                rows.append((batch, int(run[2:]), used["s"], used["max_rss"], *stages))
    table = pd.DataFrame(rows, columns=["batch", "simulations", "s", "MB", "tracing", "compiling"])
    (_, cold), (_, warm) = table.groupby("batch")
    slope, fixed = np.polyfit(warm.simulations, warm.s, 1)
    parts = warm[["tracing", "compiling"]].median().to_dict()
    parts["imports"] = min(measured(ROOT, "-c", _IMPORTS)[1] for _ in range(3))
    parts["the rest"] = fixed - sum(parts.values())
    said = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in parts.items())
    # Small batches find the program that the study job has timed.
    print(
        f"{table.to_string(index=False)}\na job: {fixed:.1f} s, and {1e3 * slope:.1f} ms a simulation\n"
        f"of it {said}; compiling {cold.compiling.iloc[-1]:.1f} s where the cache has none\n"
        f"less than 5 % of it from {19 * fixed / slope:.0f} simulations a job"
    )


def first_report(repeats: int = 3, cores: int = 2) -> None:
    """How long it takes from a configuration to its reports: medians, with the cache empty and filled.

    README's own study, the default configuration (two runs) and an epidemic by Diffrax, each by the
    command that a user types, in a folder of its own.
    """
    print("study                  empty cache s  filled cache s")
    for name, (files, arguments) in _first_runs().items():
        taken: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place)
                for file, text in files.items():
                    (folder / file).parent.mkdir(exist_ok=True)
                    (folder / file).write_text(text, encoding="utf-8")
                for filled in (False, True):
                    snakefile = ("-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"))
                    clock = measured(folder, *snakefile, "--cores", str(cores), *arguments)[1]
                    taken[filled].append(clock)
                    for made in ("results", "logs", ".snakemake"):
                        shutil.rmtree(folder / made)
        empty, filled_cache = (float(np.median(taken[filled])) for filled in (False, True))
        print(f"{name:<22} {empty:>13.1f} {filled_cache:>15.1f}", flush=True)


def _first_runs() -> dict[str, tuple[dict[str, str], tuple[str, ...]]]:
    """By name the files of a user, and what is said to Snakemake."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    study, configuration = (
        next(
            block for block in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL) if word in block
        )
        for language, word in (("python", "class Trap"), ("yaml", "trap.py"))
    )
    default = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    own = ("--configfile", "my.yaml", "--replace-workflow-config")
    epidemic = {
        "study": "epidemic",
        "parameters": dict.fromkeys(("beta", "gamma", "i0"), "default"),
        "design": {"method": "saltelli", "samples": 128},
        "seeds": 1,
    }
    return {
        "README's": ({"trap.py": study, "my.yaml": configuration}, own),
        "default configuration": ({"config/config.yaml": default}, ()),
        "epidemic, 640 solves": ({"my.yaml": yaml.safe_dump({"runs": {"epidemic": epidemic}})}, own),
    }


def aggregation(
    folder: str = ".",
    batches: tuple[int, ...] = (64,),
    samples: int = 64,
    seeds: int = 16,
    slabs: int = 1,
) -> None:
    """Time and memory of the estimates of a large run: many batch files into one sensitivity.nc.

    The first batch is simulated (6 observables, 21 times, 6 parameters), the others are made of its
    numbers; ``slabs`` are so many batches of seeds for the same samples.
    """
    for n in batches:
        where = Path(folder).absolute() / str(n)
        where.mkdir(parents=True, exist_ok=True)
        run = _run("latin-hypercube", n // slabs * samples, seeds * slabs, (samples, seeds))
        design, estimates = "results/many/design.nc", "results/many/sensitivity.nc"
        snakemake(where, {"many": run}, _FIRST, design)
        first = store.read_dataset(where / _FIRST, "batch")
        points = store.read_dataset(where / design, "design")["parameter_value"]
        specs = Specifications(Run.model_validate(run))
        for i, (name, batch) in enumerate(specs.run.batches.items()):
            if not (path := (where / _FIRST).with_name(f"{name}.nc")).exists():
                moved = first.roll(sample=i).assign_coords(
                    sample=("sample", [*batch.samples], first.sample.attrs),
                    seed=("seed", [*batch.seeds], first.seed.attrs),
                )
                moved["parameter_value"] = points.sel(sample=moved.sample)
                moved.attrs |= specs.batch(name).identity.attributes()
                store.write_dataset(moved, path, "batch")
        snakemake(where, {"many": run}, "--touch")
        snakemake(where, {"many": run}, estimates)
        used, size = _taken(where, "many", "sensitivity"), (where / estimates).stat().st_size
        print(
            f"{n} batch files: {used['s']:.0f} s ({used['cpu_time']:.0f} s of CPU), peak memory "
            f"{used['max_rss'] / 1e3:.2f} GB, sensitivity.nc {size / 1e9:.2f} GB",
            flush=True,
        )
