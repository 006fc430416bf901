"""Whatever a key is set to, the answer is quick: a run that can be planned, or what is wrong."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jaxmorph.configuration import Cost, cut_by_cost, load_configuration, write_cost
from jaxmorph.configuration.batches import AUTO_SIMULATIONS, BatchSize, GrowingBatches
from jaxmorph.configuration.budget import Budget
from jaxmorph.configuration.document import json_schema
from jaxmorph.configuration.feasible import check_cost, count_jobs
from jaxmorph.configuration.limits import MAX_JOB_GB, MAX_JOBS, amount, size
from jaxmorph.configuration.models import Run
from jaxmorph.configuration.resources import need
from jaxmorph.errors import JaxmorphError

GOOD = """\
study: reference
settings: {dt: 0.1}
parameters:
  epsilon: {distribution: uniform, low: 2, high: 4}
  kT: {distribution: log-uniform, low: 0.5, high: 2.0}
correlations: [{between: [epsilon, kT], coefficient: 0.5}]
groups: {all but kT: [epsilon]}
fixed: {alpha: 1.0}
design: {method: sobol, samples: 64}
observables: [x, y]
summaries: {peak: {of: x, take: maximum}}
trajectories: {samples: [0], seeds: [0]}
corners: [epsilon]
figures: {times: [0, 1], formats: [png], names: {x: {name: place, symbol: x}}}
optimise:
  objective: [{observable: x, goal: target, value: 1.0}]
  optimiser:
    {name: adam, settings: {b1: 0.9}, schedule: {name: constant_schedule, settings: {value: 0.1}}}
  starts: {method: sobol, samples: 8}
  stop: {patience: 5, tolerance: 0.1}
  refine: {seeds: 16}
batch: {samples: 64, seeds: 16}
"""
LONG = [str(i) for i in range(10_001)]
VALUES: list[Any] = [10**12, 10**400, -1, 0, float("nan"), None, "many", "x" * 2000, LONG, {}]
MORE: list[Any] = [
    *(10**6, 10**9, 2**30, 10**18, -(10**400), 1.5, float("inf"), -float("inf"), True, "", "010", "ä\n"),
    *([], [0], [[[]]], list(range(10_001)), [0] * 10_001, {"a": 1}, dict.fromkeys(LONG), {1: 2}),
    *({None: None}, {"first": {"samples": 10**18, "seeds": 1}}),
]
_GOOD = yaml.safe_load(GOOD)


def good(**changes: Any) -> dict[str, Any]:
    return _GOOD | changes


def keys(schema: dict[str, Any], models: dict[str, Any], path: tuple[Any, ...] = ()) -> Iterator[Any]:
    """The place of every key of a run that the schema knows and a good run can have."""
    if "$ref" in schema:
        yield from keys(models[schema["$ref"].rpartition("/")[2]], models, path)
    for option in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from keys(option, models, path)
    for name, inner in schema.get("properties", {}).items():
        yield (*path, name)
        yield from keys(inner, models, (*path, name))
    if isinstance(schema.get("additionalProperties"), dict):
        for name in ("epsilon", "x"):
            yield from keys(schema["additionalProperties"], models, (*path, name))
    if isinstance(schema.get("items"), dict):
        yield (*path, 0)
        yield from keys(schema["items"], models, (*path, 0))


def placed(run: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """``run`` with ``value`` at ``path``, as far as there is a place for it."""
    run = json.loads(json.dumps(run))
    inside: Any = run
    for key in path[:-1]:
        if isinstance(inside, list):
            inside = inside[key] if key < len(inside) else {}
        else:
            inside = inside.setdefault(key, {})
        if not isinstance(inside, dict | list):
            return run
    if isinstance(inside, dict) or (isinstance(path[-1], int) and path[-1] < len(inside)):
        inside[path[-1]] = value
    return run


DESIGNS: dict[str, dict[str, Any]] = {
    "saltelli": {"samples": 8},
    "latin-hypercube": {"samples": 8},
    "morris": {"trajectories": 4},
    "fast": {"samples": 129},
    "one-at-a-time": {"points": 3},
    "grid": {"points": 3},
    "list": {"points": [{"epsilon": 3, "kT": 1}]},
}
SCHEMA = json_schema()
PLACES = sorted(set(keys(SCHEMA["$defs"]["Run"], SCHEMA["$defs"])), key=str)
DISTRIBUTIONS: dict[str, dict[str, Any]] = {
    "normal": {"mean": 0, "sd": 1},
    "log-normal": {"median": 1, "sigma": 1},
    "beta": {"a": 2, "b": 2, "low": 0, "high": 1},
    "gamma": {"shape": 2, "scale": 1},
    "discrete": {"values": [1, 2]},
}


def answer(run: Any) -> str:
    """What is said of it; empty of a run that can be planned."""
    start = time.process_time()
    try:
        found = load_configuration({"runs": {"a": run}})
        assert count_jobs(found.runs["a"]) <= MAX_JOBS
        return ""
    except JaxmorphError as error:
        return str(error)
    finally:
        assert time.process_time() - start < 1.0


def is_readable(text: str) -> bool:
    lines = text.splitlines()
    return all(line.startswith("configuration: ") and len(line) < 1000 for line in lines)


@pytest.mark.parametrize("values", [VALUES, pytest.param(MORE, marks=pytest.mark.slow)])
def test_every_number_and_list_is_bounded(values: list[Any]) -> None:
    """By a key of its own, or by what follows from it; nothing takes more than a second."""
    assert answer(good()) == ""
    assert len(PLACES) > 100
    plain = good(batch="auto", correlations=[], groups={})
    runs = [(path, good()) for path in PLACES]
    for method, rest in DESIGNS.items():
        run = {**plain, "design": {"method": method, **rest}}
        runs += [(path, run) for path in PLACES if path[:1] in (("design",), ("seeds",))]
    for kind, rest in DISTRIBUTIONS.items():
        run = {
            **plain,
            "parameters": {"epsilon": {"distribution": kind, **rest}},
            "corners": ["epsilon"],
        }
        runs += [(("parameters", "epsilon", key), run) for key in rest]
    for path, run in runs:
        for value in values:
            said = answer(placed(run, path, value) if _is_json(value) else _with(run, path, value))
            assert is_readable(said), (path, str(value)[:40], said[:500])


def _is_json(value: Any) -> bool:
    return not isinstance(value, dict) or all(isinstance(key, str) for key in value)


def _with(run: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    return placed(run, path, "HERE") and _replaced(placed(run, path, "HERE"), value)


def _replaced(content: Any, value: Any) -> Any:
    if isinstance(content, dict):
        return {key: _replaced(item, value) for key, item in content.items()}
    if isinstance(content, list):
        return [_replaced(item, value) for item in content]
    return value if content == "HERE" else content


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"seeds": 10**10},
            "seeds = 10000000000: 64 points x 10^10 seeds are 1.9 x 10^7 jobs of 32,768 simulations; "
            "the most is 100,000; write a smaller number",
        ),
        (
            {"design": {"method": "grid", "points": 10**6}},
            "design.points = 1000000: 10^12 points x 16 seeds are 4.9 x 10^8 jobs of 32,768 "
            "simulations; the most is 100,000; write a smaller number",
        ),
        (
            {"design": {"method": "sobol", "samples": 2**30}, "seeds": 1},
            "design.samples = 1073741824: estimates of 1.1 x 10^9 points x 1 seeds would ask for at "
            "least "
            "2,163 GB; the most is 256 GB; take fewer",
        ),
        (
            {"batch": 10**12, "seeds": 10**9},
            "batch = 1000000000000: a job of 6.4 x 10^10 simulations of 12 B, held 4 times, would ask "
            "for at "
            "least 3,074 GB; the most is 256 GB; write batch: 2666666666, or record fewer observables "
            "or "
            "times",
        ),
        (
            {
                "trajectories": {"samples": list(range(1000)), "seeds": list(range(11))},
                "seeds": 11,
                "design": {"method": "sobol", "samples": 1024},
            },
            "trajectories: 1,000 samples x 11 seeds are 11,000 whole histories; the most is 10,000; "
            "name "
            "fewer",
        ),
    ],
)
def test_what_is_too_much_is_refused_with_its_arithmetic(changes: dict[str, Any], expected: str) -> None:
    plain: dict[str, Any] = {"batch": "auto", "correlations": [], "groups": {}, "optimise": None}
    assert answer(good(**plain) | changes) == f"configuration: runs.a.{expected}"


def test_too_many_starts_are_refused() -> None:
    optimise = good()["optimise"] | {
        "starts": {"method": "sobol", "samples": 2**20},
        "starts_per_job": 1,
    }
    assert answer(good(optimise=optimise)) == (
        "configuration: runs.a.optimise.starts: 1,048,576 starts, 1 in a job, are 1,048,576 jobs; the "
        "most "
        "is 100,000; take fewer starts, or more starts_per_job"
    )


def test_runs_are_counted_together() -> None:
    run = {
        "study": "ishigami",
        "parameters": {"x1": "default"},
        "design": {"method": "sobol"},
        "batch": 1,
    }
    runs = {f"r{i}": run for i in range(98)}
    with pytest.raises(JaxmorphError) as error:
        load_configuration({"runs": runs})
    assert str(error.value) == (
        "configuration: runs: 98 runs are 101,234 jobs; the most is 100,000; divide them over several "
        "configurations"
    )


COST = Cost(
    device="cpu",
    threads=1,
    simulations=1,
    seconds_per_simulation=0.05,
    compile_s=1.0,
    result_bytes_per_simulation=5_000_000,
    program_bytes=0,
)


def test_a_job_of_auto_fits_bytes_and_seconds(tmp_path: Path) -> None:
    # 5 MB each: 256 simulations are 1.3 GB of results, 512 would be 2.6.
    assert cut_by_cost(4096, 16, COST) == 256
    slow = COST.model_copy(update={"seconds_per_simulation": 100.0, "result_bytes_per_simulation": 8})
    assert cut_by_cost(4096, 16, slow) == 32
    large = COST.model_copy(update={"result_bytes_per_simulation": 2**33})
    assert cut_by_cost(4, 4, large) == 1
    # What grows from one batch has such jobs, too.
    first = cut_by_cost(16, 4, COST)
    assert first == GrowingBatches(first=BatchSize(samples=16, seeds=4), most=256)
    path = tmp_path / "cost.json"
    write_cost(COST, path)
    for batch in (256, first.plain()):
        run = Run.model_validate(good(optimise=None, batch=batch, seeds=64))
        asked = [need("batch", run, 1, str(path), name).mem_mb for name in run.batches]
        assert max(asked) < 8000
    with pytest.raises(JaxmorphError, match=r"10\^9 jobs of 1; the most is 100,000"):
        cut_by_cost(2**20, 1000, large)
    assert (
        cut_by_cost(2**20, 16, COST.model_copy(update={"result_bytes_per_simulation": 8}))
        == AUTO_SIMULATIONS
    )


def test_what_was_measured_can_be_too_much() -> None:
    run = Run.model_validate(good(batch=2**20, seeds=2**14, optimise=None))
    with pytest.raises(JaxmorphError) as error:
        check_cost("a", run, COST)
    assert str(error.value) == (
        "runs.a.batch: a job of 1,048,576 simulations of 5 MB, held 4 times, would ask for 20,974 GB; "
        "the "
        "most is 256 GB; write batch: 6400, or record fewer observables or times"
    )
    slow = COST.model_copy(update={"seconds_per_simulation": 1e5, "result_bytes_per_simulation": 8})
    with pytest.raises(JaxmorphError, match=r"would ask for [\d.,]+ days; the most is 60 days"):
        check_cost("a", Run.model_validate(good(batch=2**10, optimise=None)), slow)
    check_cost("a", Run.model_validate(good(batch="auto", optimise=None)), COST)


@pytest.mark.parametrize(
    ("number", "text"),
    [(7, "7"), (100_000, "100,000"), (4 * 10**8, "4 x 10^8"), (10**12, "10^12"), (99_999_999, "10^8"),
     (10**400, "10^400")],
)  # fmt: skip
def test_amounts_are_short(number: int, text: str) -> None:
    assert amount(number) == text


def test_bytes_are_short() -> None:
    assert [size(n) for n in (12, 6720, 5e6, 655e9, 1e21)] == [
        "12 B",
        "6.72 kB",
        "5 MB",
        "655 GB",
        "10^12 GB",
    ]
    assert re.fullmatch(r"\d+ GB", f"{MAX_JOB_GB:g} GB")


def test_what_a_run_takes_is_short() -> None:
    said = [str(Budget(12, hours, 3e7)) for hours in (2.2e-5, 0.42, 12345.6, None)]
    assert [line.split(", ")[1:] for line in said] == [
        ["under 0.1 core-hours", "30 MB at most"],
        ["0.42 core-hours", "30 MB at most"],
        ["12,346 core-hours", "30 MB at most"],
        [],
    ]
