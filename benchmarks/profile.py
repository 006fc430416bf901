"""Where a program's time goes: its kernels, measured by a profile, beside the least that each can take.

    python -m benchmarks.profile [--mode reverse] [--simulations 256] [--steps 10] [--rows 15]

The reference system of the benchmark with few steps (a step is 10 Brownian ones): all turns of a loop
are alike, and a profile records every launch. On CPUs, like a job: JAX_NUM_CPU_DEVICES=2 PJRT_NPROC=2.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import jax

from .competitors import engine
from .floor import floor, of_kernel
from .kernels import Kernel, Module
from .output import rates_in_words
from .rates import Rates, measure
from .task import Task

_SEEDS = 16


@dataclasses.dataclass(frozen=True)
class Profile:
    """What one call of a program took.

    Attributes:
        wall_s: Without the profile.
        kernels: Those of the program.
        seconds: By kernel, all launches on all devices together; a profile adds to each launch.
    """

    wall_s: float
    kernels: list[Kernel]
    seconds: dict[str, float]


def profile(task: Task, mode: engine.Mode, calls: int = 5) -> Profile:
    """Profile one call of the engine's program."""
    program = engine.build(task, mode)
    walls = []
    for _ in range(calls + 1):
        start = time.perf_counter()
        program()
        walls.append(time.perf_counter() - start)
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level = 0
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder, profiler_options=options):
            program()
        (path,) = Path(folder).rglob("*.xplane.pb")
        seconds = _seconds(jax.profiler.ProfileData.from_file(str(path)))
    return Profile(min(walls[1:]), Module(program.text).kernels(), seconds)


def _seconds(data: jax.profiler.ProfileData) -> dict[str, float]:
    """By the instruction of the program that a kernel was made from, of GPUs where there are some."""
    found: dict[str, float] = defaultdict(float)
    planes = list(data.planes)
    gpus = [plane for plane in planes if plane.name.startswith("/device:")]
    for plane in gpus or planes:
        for line in plane.lines:
            for event in line.events:
                names = [value for key, value in event.stats if key == "hlo_op"]
                if names:
                    found[names[0]] += event.duration_ns / 1e9
    return found


def table(measured: Profile, rates: Rates, n_rows: int) -> list[str]:
    """Lines of a table, the kernel with the longest time first."""
    n_devices = len(jax.local_devices())
    kernels = {k.name: k for k in measured.kernels}
    times = {name: s / n_devices for name, s in measured.seconds.items() if name in kernels}
    total = sum(times.values())
    lines = [
        "| kernel | made from | launches | share of time | us a launch | floor, us | of the floor |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in sorted(times, key=lambda name: -times[name])[:n_rows]:
        kernel = kernels[name]
        terms = of_kernel(kernel, rates)
        longest = max(terms, key=lambda term: terms[term])
        each = times[name] / kernel.launches
        lines.append(
            f"| {name} | {kernel.origin.rpartition('/')[2]} | {kernel.launches:,} "
            f"| {times[name] / total:.1%} | {1e6 * each:.3g} "
            f"| {1e6 * terms[longest]:.3g} ({longest}) | {each / terms[longest]:.3g} |"
        )
    least = floor(measured.kernels, rates)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in least.shares.items())
    of_kernels = f"{1e3 * total:.3g} ms in kernels by the profile"
    return [
        *lines,
        "",
        f"A call takes {1e3 * measured.wall_s:.3g} ms without the profile, {of_kernels}; "
        f"{least.launches:,} launches; floor {1e3 * least.seconds:.3g} ms: {shares}.",
    ]


def main() -> None:
    """Print the table."""
    description = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="benchmarks.profile", description=description)
    parser.add_argument("--mode", choices=("forward", "reverse", "none"), default="reverse")
    parser.add_argument("--simulations", type=int, default=256, help="a multiple of 16")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rows", type=int, default=15)
    arguments = parser.parse_args()
    task = Task(steps=arguments.steps, samples=max(1, arguments.simulations // _SEEDS), seeds=_SEEDS)
    rates = measure(task.precision)
    print(rates_in_words(rates.named) + "\n")
    print("\n".join(table(profile(task, arguments.mode), rates, arguments.rows)))


if __name__ == "__main__":
    main()
