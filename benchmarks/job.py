"""What a job costs beyond its simulations, from the benchmark files of batches of several sizes.

    python benchmarks/job.py [--profile slurm]

Each size is a run of two batches of the reference study on one core: the first compiles its program, the
second finds it in the cache. The cost of a job is what a straight line through the times of the second
ones leaves at 0 simulations. Of it, imports are timed by themselves, and the log of a job says how long
it traced and compiled. Arguments go to snakemake.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
SAMPLES = (8, 32, 128)
SEEDS = 8
_COMPILED = re.compile(r"traced in ([\d.]+) s, compiled in ([\d.]+) s")


def _import_seconds() -> float:
    """Of all that a job imports, with the start of Python and of JAX's devices.

    SciPy's statistics are imported when a design is made.
    """
    start = time.perf_counter()
    code = "import jax, snakemake, scipy.stats; import jaxmorph.jobs.devices, jaxmorph.jobs.simulate"
    code += "; jax.devices()"
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Prints a table, and the line."""
    shipped = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    reference = shipped["runs"]["notebook"]
    runs = {
        f"of{samples * SEEDS}": reference
        | {
            "design": {"method": "sobol", "samples": 2 * samples},
            "seeds": SEEDS,
            "batch": {"samples": samples, "seeds": SEEDS},
            "trajectories": {"samples": [], "seeds": []},
        }
        for samples in SAMPLES
    }
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.yaml")
        config.write_text(yaml.safe_dump({"runs": runs}), encoding="utf-8")
        times, compiled = {}, {}
        for batch in (
            "000-000",
            "001-000",
        ):  # one after the other: the second finds what the first compiled
            targets = [f"results/{run}/batches/{batch}.nc" for run in runs]
            command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--cores", "1"]
            command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", folder]
            command += ["--configfile", str(config), "--replace-workflow-config", *sys.argv[1:]]
            subprocess.run([*command, *targets], check=True)
            for run in runs:
                table = pd.read_csv(Path(folder, f"logs/benchmarks/{run}/batches/{batch}.tsv"), sep="\t")
                times[run, batch] = table["s"].item(), table["max_rss"].item()
                log = Path(folder, f"logs/{run}/batches/{batch}.log").read_text(encoding="utf-8")
                compiled[run, batch] = np.array(_COMPILED.findall(log), float).sum(axis=0)
    print("simulations  s (compiles)  s (warm cache)  MB")
    n = np.array(SAMPLES) * SEEDS
    for size, run in zip(n, runs, strict=True):
        cold, warm = times[run, "000-000"], times[run, "001-000"]
        print(f"{size:11d}  {cold[0]:12.1f}  {warm[0]:14.1f}  {warm[1]:.0f}")
    slope, fixed = np.polyfit(n, [times[run, "001-000"][0] for run in runs], 1)
    print(f"a job: {fixed:.1f} s, and {1e3 * slope:.1f} ms a simulation")
    tracing, compiling = np.median([compiled[run, "001-000"] for run in runs], axis=0)
    # Small batches find the program that the study job has timed.
    _, first = compiled[list(runs)[-1], "000-000"]
    importing = min(_import_seconds() for _ in range(3))
    rest = fixed - importing - tracing - compiling
    print(
        f"of it imports {importing:.1f} s, tracing {tracing:.1f} s, compiling {compiling:.1f} s "
        f"({first:.1f} s where the cache has none); the rest {rest:.1f} s"
    )
    print(f"less than 5 % of it from {19 * fixed / slope:.0f} simulations a job")


if __name__ == "__main__":
    main()
