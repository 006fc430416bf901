"""What jobs ask a cluster for: it follows what was measured, and grows when a job failed."""

import os
from pathlib import Path
from typing import Any

import pytest

from jaxmorph.configuration import Run
from jaxmorph.configuration.resources import Need, need
from jaxmorph.integrity import write_json

RULES = ["study", "batch", "corners", "checks", "sensitivity"]
COST: dict[str, Any] = {
    "device": "cpu",
    "threads": 1,
    "simulations": 32,
    "seconds_per_simulation": 0.025,
    "compile_s": 10.0,
    "result_bytes_per_simulation": 6720,
    "program_bytes": 10_000_000,
}


def make_run(**changes: Any) -> Run:
    parameters = {name: {"distribution": "uniform", "low": 1, "high": 2} for name in "ab"}
    content = {"study": "reference", "parameters": parameters, "design": {"method": "sobol"}}
    return Run.model_validate(content | changes)


def write_cost(folder: Path, **changes: Any) -> str:
    path = folder / "cost.json"
    write_json(COST | changes, path)
    return str(path)


def test_a_batch_asks_for_twice_the_measured_time_and_for_its_results(tmp_path: Path) -> None:
    # 64 samples x 256 seeds: 16384 simulations of 25 ms and 6720 bytes.
    run = make_run(seeds=256, batch={"samples": 64, "seeds": 256})
    asked = need("batch", run, 1, write_cost(tmp_path), "000-000")
    # 300 s + 2 x (10 s + 409.6 s) = 1139.2 s; a program of 1024 simulations, 320 MB:
    # 1500 MB + 320 MB + 4 x 110.1 MB = 2260.4 MB.
    assert asked == Need(mem_mb=2261, runtime=19)
    # A piece that needs much more is cut: nobody asks for it.
    large = need("batch", run, 1, write_cost(tmp_path, program_bytes=10**9), "000-000")
    assert large.mem_mb == 1500 + 4000 + 441


@pytest.mark.parametrize("rule", RULES)
def test_a_job_that_failed_asks_for_more(tmp_path: Path, rule: str) -> None:
    run, cost = make_run(), write_cost(tmp_path)
    first, second, third = (need(rule, run, n, cost, "000-000") for n in (1, 2, 3))
    assert (second.mem_mb, second.runtime) == (2 * first.mem_mb, 2 * first.runtime)
    assert (third.mem_mb, third.runtime) == (3 * first.mem_mb, 3 * first.runtime)
    # Two Snakemake processes alone take 270 MB.
    assert first.mem_mb >= 500 and first.runtime >= 1


@pytest.mark.parametrize("rule", ["batch", "corners", "checks"])
@pytest.mark.parametrize(
    ("slower", "more"), [("seconds_per_simulation", "runtime"), ("program_bytes", "mem_mb")]
)
def test_what_is_measured_counts(tmp_path: Path, rule: str, slower: str, more: str) -> None:
    run = make_run()
    before = need(rule, run, 1, write_cost(tmp_path), "000-000")
    after = need(rule, run, 1, write_cost(tmp_path, **{slower: 10_000 * COST[slower]}), "000-000")
    assert getattr(after, more) > getattr(before, more)


def test_the_estimates_take_time_for_their_bytes_and_memory_for_their_samples(tmp_path: Path) -> None:
    cost = write_cost(tmp_path)
    short = need("sensitivity", make_run(), 1, cost)
    # 1,048,576 simulations are 7.05 GB.
    long = need("sensitivity", make_run(design={"method": "sobol", "samples": 2**16}), 1, cost)
    # 65,536 samples: 2000 bytes, and the 6720 of one seed.
    # And 20 matrices of 2 x 2 for each of the 560 numbers of a simulation, 3000 for the one at hand.
    assert (short.mem_mb, long.mem_mb) == (2002, 2572)
    assert long.runtime == 27  # 300 s + 7.05 x 180 s


def test_the_estimates_of_many_parameters_take_memory_for_their_matrices(tmp_path: Path) -> None:
    """40 times and observables of 100 parameters, in single precision."""
    cost = write_cost(tmp_path, result_bytes_per_simulation=4 * 40 * 101)
    parameters = {f"p{i}": {"distribution": "uniform", "low": 1, "high": 2} for i in range(100)}
    many = need("sensitivity", make_run(parameters=parameters), 1, cost)
    assert many.mem_mb == 2306  # 8 bytes x 100^2 x (20 x 40 + 3000), beside 2000 and the samples


def test_nothing_is_asked_for_before_it_is_measured(tmp_path: Path) -> None:
    """Snakemake asks again when the file is there; it must be the error that names this file."""
    missing = str(tmp_path / "cost.json")
    for rule in RULES[1:]:
        with pytest.raises(FileNotFoundError) as error:
            need(rule, make_run(), 1, missing, "000-000")
        assert error.value.filename == missing
    assert need("study", make_run(), 1).runtime > 0


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"compile_s": null}'])
def test_a_damaged_measurement_says_what_to_do(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cost.json"
    path.write_text(text)
    with pytest.raises(FileNotFoundError, match="is damaged: it ") as error:
        need("batch", make_run(), 1, str(path), "000-000")
    assert error.value.filename == str(path), "Snakemake asks again when it is made again"


def test_a_new_measurement_counts_in_the_same_process(tmp_path: Path) -> None:
    path = write_cost(tmp_path, seconds_per_simulation=10.0)
    os.utime(path, ns=(10**18, 10**18))
    slow = need("batch", make_run(), 1, path, "000-000")
    path = write_cost(tmp_path)
    assert need("batch", make_run(), 1, path, "000-000").runtime < slow.runtime
