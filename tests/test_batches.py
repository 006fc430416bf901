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


def cut_up(run: Run, batch: GrowingBatches) -> Run:
    return run.model_copy(update={"batch": batch})


def settled(run: Run, cost: Cost) -> GrowingBatches:
    return cut_by_cost(run.n_samples, run.n_seeds, cost)


def costing(seconds: float, n_bytes: int = 100, at_once: int = 2, memory: float = 2e10) -> Cost:
    measured = {"seconds_per_simulation": seconds, "result_bytes_per_simulation": n_bytes}
    return COST.model_copy(update={**measured, "at_once": at_once, "memory_bytes": memory})


@pytest.mark.parametrize(
    ("samples", "seeds", "cost", "jobs"),
    [
        (64, 16, costing(0.05), 1),  # 51 s are one job
        (64, 24, costing(0.05), 2),  # 77 s are two: a machine of two cores does both at once
        (1024, 16, costing(0.025), 7),  # 410 s: jobs of a minute
        (1024, 48, costing(0.025), 8),  # 20 minutes: 8 of 154 s
        (1024, 48, costing(0.025, at_once=16), 21),  # of a minute, where 32 jobs would be busy
        (4096, 64, costing(0.05), 8),  # 3.6 hours: 27 minutes each
        (65536, 16, costing(0.055), 33),  # 16 hours: half an hour each
        (4096, 256, costing(7e-5, 1260), 2),  # 73 s and 1.3 GB: was 116 jobs
        (4096, 256, costing(7e-5, 12600), 7),  # 13 GB in files of 2 GB at most
        (4096, 256, costing(7e-5, 12600, memory=4e9), 22),  # of 0.6 GB, where a job may have 4 GB
        (2**20, 96, costing(0.004, 7056), 331),  # 10^8 on CPUs: 2 GB, and 20 minutes
        (2**20, 96, costing(2.5e-5, 7056, at_once=1), 331),  # and on GPUs: 2 GB, and 8 s
        (2**20, 96, costing(1e-3, 56, at_once=1), 56),  # half an hour, whatever the device
        (4, 10**6, costing(0.055), 124),
    ],
)  # fmt: skip
def test_jobs_are_as_many_as_keep_a_machine_busy(
    samples: int, seeds: int, cost: Cost, jobs: int
) -> None:
    run = make_run({"method": "sobol", "samples": samples}, seeds)
    assert len(cut_up(run, settled(run, cost)).batches) == jobs


SECONDS = st.floats(-6, 2).map(lambda x: 10**x)
BYTES = st.integers(3, 8).map(lambda k: 10**k)


@settings(deadline=None, max_examples=100)
@given(DESIGNS, st.integers(1, 300), SECONDS, BYTES, st.integers(1, 64))
def test_jobs_are_ten_minutes_to_an_hour_wherever_there_is_work(
    design: dict[str, Any], seeds: int, seconds: float, n_bytes: int, at_once: int
) -> None:
    cost, run = costing(seconds, n_bytes, at_once), make_run(design, seeds)
    batch = settled(run, cost)
    jobs = sizes(cut_up(run, batch))
    work = seconds * sum(jobs)
    wanted = max(8, 2 * at_once)
    assert sum(jobs) == run.n_samples * seeds
    assert max(jobs) * n_bytes <= 2**31 or max(jobs) == 1
    assert max(jobs) * seconds <= 1800 or max(jobs) == 1
    full = work >= 1800 * wanted
    if work <= 60 and sum(jobs) * n_bytes <= 2**31:
        assert len(jobs) == 1
    elif batch.most * n_bytes < 2**30 and min(jobs) > 8:  # neither bytes nor single simulations decide
        assert min(jobs) * seconds > (600 if full else min(20, work / wanted / 3))
        # Slabs of whole units and of all seeds are shorter than what a job may have by less than half.
        assert len(jobs) <= (2 * work / 1800 if full else 2 * wanted)


@settings(deadline=None, max_examples=100)
@given(DESIGNS, st.integers(1, 50), SECONDS, BYTES, st.integers(1, 64), st.data())
def test_a_run_that_grows_keeps_what_is_finished(
    design: dict[str, Any], seeds: int, seconds: float, n_bytes: int, at_once: int, data: st.DataObject
) -> None:
    old = make_run(design, seeds)
    cost = costing(seconds, n_bytes, at_once)
    batch = settled(old, cost)
    before = cut_up(old, batch).batches
    kept, grown = before, old
    for _ in range(2):
        size = next(key for key in ("samples", "trajectories", "points") if key in design)
        design = {**design, size: design[size] * 2 ** data.draw(st.integers(0, 2))}
        seeds *= 2 ** data.draw(st.integers(0, 2))
        halves = seeds + (seeds + 1) // 2  # of what was doubled or not, and kept when it is doubled
        grown = make_run(design, seeds)
        new = cut_up(grown, batch).batches
        assert sum(len(b.samples) * len(b.seeds) for b in new.values()) == grown.n_samples * seeds
        assert max(len(b.samples) * len(b.seeds) for b in new.values()) <= batch.most
        if design["method"] != "latin-hypercube":  # others keep their points, and so their batches
            assert kept.items() <= new.items()
            kept = new
            if seeds >= 16:
                assert (
                    cut_up(make_run(design, halves), batch).batches.items()
                    <= {**cut_up(make_run(design, 2 * seeds), batch).batches}.items()
                )
    more = make_run(design, seeds + data.draw(st.integers(1, 99)))
    if design["method"] != "latin-hypercube":
        assert before.items() <= cut_up(more, batch).batches.items()


def test_seeds_that_are_half_as_many_again_move_no_cut() -> None:
    batch = GrowingBatches(first=BatchSize(samples=64, seeds=16))
    run = make_run({"method": "sobol", "samples": 64}, 96, batch)
    assert [b.seeds.stop for b in run.batches.values()] == [16, 24, 32, 48, 64, 96]


def test_a_growing_run_has_longer_jobs_and_not_many_more() -> None:
    run = make_run({"method": "sobol", "samples": 64}, 16)
    batch = settled(run, costing(0.025))
    for samples, jobs, seconds in ((64, 1, 26), (1024, 9, 51), (16384, 25, 819), (2**18, 82, 1748)):
        grown = cut_up(make_run({"method": "sobol", "samples": samples}, 16), batch)
        assert (len(grown.batches), round(max(sizes(grown)) * 0.025)) == (jobs, seconds)


def test_more_seeds_of_a_run_that_has_grown_are_jobs_as_large_as_the_others() -> None:
    batch = settled(make_run({"method": "sobol", "samples": 64}, 16), costing(0.025))
    grown = make_run({"method": "sobol", "samples": 2**18}, 16)
    more = cut_up(make_run({"method": "sobol", "samples": 2**18}, 32), batch).batches
    new = [b for name, b in more.items() if name not in cut_up(grown, batch).batches]
    assert {b.seeds for b in new} == {range(16, 24), range(24, 32)}
    assert len(new) == 2 * 82


def test_units_of_a_design_stay_together() -> None:
    run = make_run({"method": "saltelli", "samples": 64}, 24)  # of 8 points
    grown = cut_up(run, settled(run, costing(0.1))).batches
    assert [b.samples.stop for b in grown.values()] == [64, 128, 192, 256, 320, 384, 448, 512]
    assert {b.seeds for b in grown.values()} == {range(24)}


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
