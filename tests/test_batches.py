"""How a run is cut into jobs: at most so many simulations, and growing it moves no cut."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxmorph.configuration import Run
from jaxmorph.configuration.batches import AUTO_SIMULATIONS
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
