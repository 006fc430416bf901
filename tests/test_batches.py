"""How a run is cut into jobs: at most so many simulations, and growing it moves no cut."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxmorph.configuration import Cost, Run, SettledCut, cut_by_cost, read_cut, write_cut
from jaxmorph.configuration.batches import AUTO_SIMULATIONS, BatchSize, GrowingBatches
from jaxmorph.configuration.specify import Specifications

PARAMETERS = {name: {"distribution": "uniform", "low": 1, "high": 2} for name in "abcdef"}


def make_run(design: dict[str, Any], seeds: int, batch: Any = "auto") -> Run:
    content = {"study": "reference", "parameters": PARAMETERS, "design": design, "seeds": seeds}
    return Run.model_validate(content | {"batch": batch})


def sizes(run: Run) -> list[int]:
    return [len(b.samples) * len(b.seeds) for b in run.batches.values()]


DESIGNS = st.one_of(
    st.integers(1, 9).map(lambda k: {"method": "sobol", "samples": 2**k}),
    st.integers(1, 7).map(lambda k: {"method": "saltelli", "samples": 2**k}),
    st.integers(2, 60).map(lambda n: {"method": "morris", "trajectories": n}),
    st.integers(2, 300).map(lambda n: {"method": "latin-hypercube", "samples": n}),
    st.integers(1, 300).map(
        lambda n: {"method": "list", "points": [dict.fromkeys("abcdef", float(i)) for i in range(n)]}
    ),
)
NUMBERS = st.one_of(st.just("auto"), st.integers(30, 5000))
COST = Cost(
    device="cpu",
    threads=1,
    simulations=32,
    seconds_per_simulation=0.05,
    compile_s=1.0,
    result_bytes_per_simulation=100,
    program_bytes=0,
)


@settings(deadline=None, max_examples=30)
@given(DESIGNS, st.integers(1, 100), NUMBERS)
def test_batches_hold_every_simulation_once_and_no_more_than_was_said(
    design: dict[str, Any], seeds: int, batch: Any
) -> None:
    run = make_run(design, seeds, batch)
    most = AUTO_SIMULATIONS if batch == "auto" else batch
    assert max(sizes(run)) <= most
    pairs = [(s, r) for b in run.batches.values() for s in b.samples for r in b.seeds]
    assert len(pairs) == len(set(pairs)) == run.n_samples * seeds


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 6), st.integers(1, 8), st.integers(0, 3), st.integers(0, 40), NUMBERS)
def test_doubled_samples_and_more_seeds_move_no_cut(
    k: int, eights: int, doublings: int, more_seeds: int, batch: Any
) -> None:
    for method, first in (("sobol", 2 ** (k + 3)), ("saltelli", 2**k)):
        old = make_run({"method": method, "samples": first}, 8 * eights, batch)
        longer = {"method": method, "samples": first * 2**doublings}
        new = make_run(longer, 8 * eights + more_seeds, batch)
        assert old.batches.items() <= new.batches.items()


@pytest.mark.parametrize(
    ("old_size", "new_size"),
    [
        (({"method": "sobol", "samples": 64}, 16), ({"method": "sobol", "samples": 64}, 24)),
        (({"method": "sobol", "samples": 64}, 16), ({"method": "sobol", "samples": 128}, 16)),
        (({"method": "sobol", "samples": 4096}, 16), ({"method": "sobol", "samples": 16384}, 40)),
        (({"method": "saltelli", "samples": 16}, 16), ({"method": "saltelli", "samples": 32}, 16)),
        (({"method": "morris", "trajectories": 16}, 8), ({"method": "morris", "trajectories": 25}, 8)),
    ],
    ids=str,
)
@pytest.mark.parametrize("batch", ["auto", 512, 1000, {"samples": 16, "seeds": 8}])
def test_common_ways_to_grow_lose_nothing(
    old_size: tuple[dict[str, Any], int], new_size: tuple[dict[str, Any], int], batch: Any
) -> None:
    old, new = make_run(*old_size, batch), make_run(*new_size, batch)
    assert len(new.batches) > len(old.batches)
    for name in old.batches:
        assert Specifications(old).batch(name) == Specifications(new).batch(name)


@pytest.mark.parametrize(
    ("design", "seeds", "batch", "jobs"),
    [
        ({"method": "sobol", "samples": 64}, 16, "auto", 2),  # the default run, for two cores
        ({"method": "grid", "points": 3}, 16, "auto", 2),
        ({"method": "saltelli", "samples": 8}, 1, "auto", 1),
        # 2^24 simulations are 512 full jobs; the rest is what may grow.
        ({"method": "sobol", "samples": 2**20}, 16, "auto", 524),
        ({"method": "sobol", "samples": 2**20}, 16, 2**18, 82),
        ({"method": "latin-hypercube", "samples": 2**20}, 16, "auto", 512),
        # Few samples at very many seeds: 122 and 1954 full jobs.
        ({"method": "sobol", "samples": 4}, 10**6, "auto", 163),
        ({"method": "sobol", "samples": 64}, 10**6, "auto", 1978),
    ],
    ids=str,
)
def test_number_of_jobs(design: dict[str, Any], seeds: int, batch: Any, jobs: int) -> None:
    assert len(make_run(design, seeds, batch).batches) == jobs


def test_where_the_cuts_are() -> None:
    run = make_run({"method": "saltelli", "samples": 64}, 24)
    # 8 points a base sample: slabs of 8, 8, 16 and 32 base samples.
    stops = [b.samples.stop for n, b in run.batches.items() if n.endswith("-000")]
    assert stops == [64, 128, 256, 512]
    assert [b.seeds for n, b in run.batches.items() if n.startswith("003-")] == [
        range(0, 8), range(8, 16), range(16, 24),
    ]  # fmt: skip
    many = make_run({"method": "sobol", "samples": 64}, 200)
    assert [b.seeds.stop for b in many.batches.values()] == [
        8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 200,
    ]  # fmt: skip


def test_what_takes_less_than_a_minute_is_one_batch_whatever_the_design() -> None:
    # Of 50 ms each, 1,200 simulations are a minute; of 1 MB each, 536 are half a GB.
    assert cut_by_cost(64, 18, COST) == GrowingBatches(first=BatchSize(samples=64, seeds=18))
    assert cut_by_cost(64, 19, COST) == AUTO_SIMULATIONS
    large = COST.model_copy(update={"result_bytes_per_simulation": 10**6})
    assert cut_by_cost(67, 8, large) == GrowingBatches(first=BatchSize(samples=67, seeds=8), most=2048)
    assert cut_by_cost(68, 8, large) == 2048  # 2 GB
    cheap = COST.model_copy(update={"seconds_per_simulation": 1e-6})
    for design in ({"method": "sobol", "samples": 2**16}, {"method": "grid", "points": 5}):
        run = make_run(design, 3)
        first = cut_by_cost(run.n_samples, run.n_seeds, cheap)
        assert len(Specifications(run).cut(first).run.batches) == 1


@settings(deadline=None, max_examples=60)
@given(DESIGNS, st.integers(1, 50), st.integers(0, 3), st.integers(0, 200))
def test_a_run_that_was_not_cut_grows_by_jobs_that_double(
    design: dict[str, Any], seeds: int, doublings: int, more_seeds: int
) -> None:
    old = make_run(design, seeds)
    first = {"first": {"samples": old.n_samples, "seeds": seeds}}
    size = next(key for key in ("samples", "trajectories", "points") if key in design)
    more = design[size] * 2**doublings
    new = make_run({**design, size: more}, seeds + more_seeds, first)
    before = make_run(design, seeds, first).batches
    assert len(before) == 1
    pairs = sum(len(b.samples) * len(b.seeds) for b in new.batches.values())
    assert pairs == new.n_samples * new.n_seeds
    most = max(AUTO_SIMULATIONS, old.n_samples * seeds)
    assert max(sizes(new)) <= most
    if design["method"] != "latin-hypercube":  # others keep their points, and so their batches
        assert before.items() <= new.batches.items()
        rows = {name[:3] for name in new.batches}
        assert len(rows) <= 1 + doublings + new.n_samples * seeds // AUTO_SIMULATIONS


def test_a_cut_is_settled_for_one_question(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    run = make_run({"method": "sobol", "samples": 64}, 16)
    spec = Specifications(run)
    assert read_cut(path, spec.question) is None
    write_cut(SettledCut(question=spec.question, batch=cut_by_cost(64, 16, COST)), path)
    for same in (({"method": "sobol", "samples": 256}, 16), ({"method": "sobol", "samples": 64}, 99)):
        assert read_cut(path, Specifications(make_run(*same)).question) is not None
    others = (
        make_run({"method": "sobol", "samples": 64, "seed": 1}, 16),
        make_run({"method": "saltelli", "samples": 64}, 16),
        run.model_copy(update={"key": 7}),
        run.model_copy(update={"estimator": "score"}),
    )
    assert not any(read_cut(path, Specifications(other).question) for other in others)
    path.write_text(path.read_text()[:30])
    assert read_cut(path, spec.question) is None
