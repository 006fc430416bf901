"""A design that is changed says which finished batches that costs, before anything is done."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

from jaxmorph import designs, store
from jaxmorph.configuration import Run
from jaxmorph.configuration.extension import notice, read_record
from jaxmorph.configuration.specify import Specifications
from jaxmorph.distributions import Uniform
from jaxmorph.integrity import write_json

ROOT = Path(__file__).parents[1]


def make_run(design: dict[str, Any], **changes: Any) -> Run:
    parameters = {name: {"distribution": "uniform", "low": 1, "high": 2} for name in ("a", "b")}
    content = {"study": "ishigami", "parameters": parameters, "design": design, "seeds": 16}
    return Run.model_validate(content | {"batch": {"samples": 16, "seeds": 8}} | changes)


POINTS = [{"a": 1 + i / 100, "b": 1.5} for i in range(64)]
LONGER = [
    ({"method": "sobol", "samples": 64}, {"method": "sobol", "samples": 128}),
    ({"method": "saltelli", "samples": 16}, {"method": "saltelli", "samples": 64}),
    ({"method": "morris", "trajectories": 16}, {"method": "morris", "trajectories": 25}),
    ({"method": "list", "points": POINTS[:32]}, {"method": "list", "points": POINTS}),
    ({"method": "grid", "points": 4}, {"method": "grid", "points": {"b": 4, "a": 4}}),
]
MOVED = [
    (
        ({"method": "latin-hypercube", "samples": 64}, {"method": "latin-hypercube", "samples": 128}),
        "a latin-hypercube design cannot be extended: 128 samples instead of 64 move its points, and "
        "all 8 finished batches (1024 simulations) are computed again; sobol, saltelli and morris "
        "designs keep theirs",
    ),
    (
        ({"method": "grid", "points": 8}, {"method": "grid", "points": {"a": 8, "b": 9}}),
        "a grid design cannot be extended: 8 x 9 points instead of 8 x 8 move its points, and all 8 "
        "finished batches (1024 simulations) are computed again; sobol, saltelli and morris designs "
        "keep theirs",
    ),
    (
        ({"method": "one-at-a-time", "points": 20}, {"method": "one-at-a-time", "points": 10}),
        "a one-at-a-time design cannot be shortened: 10 points instead of 20 move its points, and 4 of "
        "6 finished batches (512 simulations) are computed again; sobol, saltelli and morris designs "
        "keep theirs",
    ),
    (
        ({"method": "fast", "samples": 72}, {"method": "fast", "samples": 80}),
        "a fast design cannot be extended: 80 samples instead of 72 move its points, and all 18 "
        "finished batches (2304 simulations) are computed again; sobol, saltelli and morris designs "
        "keep theirs",
    ),
    (
        ({"method": "sobol", "samples": 64}, {"method": "sobol", "samples": 64, "seed": 3}),
        "a sobol design with seed 3 instead of 0 has other points, and all 8 finished batches (1024 "
        "simulations) are computed again",
    ),
    (
        ({"method": "morris", "trajectories": 16}, {"method": "morris", "levels": 6, "seed": 1}),
        "a morris design with levels 6 instead of 4 and seed 1 instead of 0 has other points, and all 6 "
        "finished batches (768 simulations) are computed again",
    ),
    (
        ({"method": "latin-hypercube", "samples": 64}, {"method": "sobol", "samples": 128}),
        "a sobol design has other points than the latin-hypercube design before, and all 8 finished "
        "batches (1024 simulations) are computed again",
    ),
]


@pytest.mark.parametrize(("designs", "line"), MOVED, ids=[line for _, line in MOVED])
def test_moved_points_are_announced_with_what_they_cost(designs: tuple[Any, Any], line: str) -> None:
    old, new = map(make_run, designs)
    assert notice("x", old, new, list(old.batches)) == f"run x: {line}"
    # It is true: all of these batches have other params now.
    for name in old.batches.keys() & new.batches.keys():
        assert Specifications(old).batch(name) != Specifications(new).batch(name)


@pytest.mark.parametrize("designs", [*LONGER, *(pair[::-1] for pair in LONGER)], ids=str)
def test_designs_that_grow_or_shrink_in_place_need_no_notice(designs: tuple[Any, Any]) -> None:
    old, new = map(make_run, designs)
    assert notice("x", old, new, list(old.batches)) is None
    # It is true: every batch that is whole in both stays as it is.
    both = min(old.n_samples, new.n_samples)
    kept = [name for name, batch in old.batches.items() if batch.samples.stop <= both // 16 * 16]
    assert kept
    for name in kept:
        assert Specifications(old).batch(name) == Specifications(new).batch(name)


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"batch": 512}, "all 8 finished batches (1024 simulations)"),
        # Batches beyond the end of the run are not missed.
        (
            {"batch": {"samples": 32, "seeds": 8}, "seeds": 8},
            "4 of 8 finished batches (512 simulations)",
        ),
        ({"seeds": 24}, None),
        # Cuts at the same places.
        ({"batch": 128}, None),
    ],
)
def test_another_batch_setting_is_announced(changes: dict[str, Any], lost: str | None) -> None:
    design = {"method": "sobol", "samples": 64}
    old, new = make_run(design), make_run(design, **changes)
    line = f"run x: another batch setting cuts other batches, and {lost} are computed again; the old "
    assert notice("x", old, new, list(old.batches)) == (f"{line}setting keeps them" if lost else None)
    assert notice("x", old, new, []) is None


def test_what_is_not_finished_or_not_of_the_design_is_not_counted() -> None:
    old = make_run({"method": "latin-hypercube", "samples": 64})
    new = make_run({"method": "latin-hypercube", "samples": 65})
    assert notice("x", old, new, []) is None
    assert notice("x", old, new, ["999-999"]) is None
    assert "all 2 finished batches (256 simulations)" in str(
        notice("x", old, new, ["000-000", "003-001", "999-999"])
    )
    assert notice("x", old, old.model_copy(update={"key": 5}), list(old.batches)) is None


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff",
        b'{"study": "ishigami"}',
        b'{"design": {"method": "old"}}',
    ],
)
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "design.json"
    if content is not None:
        path.write_bytes(content)
    assert read_record(path) is None


def test_a_record_gives_the_run_back(tmp_path: Path) -> None:
    run = make_run({"method": "list", "points": POINTS[:3]}, corners=["b"])
    write_json(run.model_dump(mode="json"), tmp_path / "design.json")
    assert read_record(tmp_path / "design.json") == run


def test_the_job_writes_the_points_with_what_made_them_and_the_record(tmp_path: Path) -> None:
    from jaxmorph.jobs.analyse import write_design

    couple = {"between": ["b", "a"], "coefficient": 0.5}
    run = make_run({"method": "sobol", "samples": 8}, correlations=[couple], estimator="score")
    parameters = [
        {"name": name, "unit": "1", "description": "-", "default": 1.5, "distribution": distribution}
        for name, distribution in run.model_dump(mode="json")["parameters"].items()
    ]
    about = {
        "study": "x",
        "study_description": "-",
        "study_source": "",
        "settings": {},
        "fixed_parameters": {},
        "cuts": [],
    }
    study, output, record = (tmp_path / n for n in ("study.json", "design.nc", "design.json"))
    for stochastic in (True, False):
        told = about | {"parameters": parameters, "stochastic": stochastic}
        made_of = Specifications(run).study.identity
        store.write_record(store.StudyRecord.from_plain(told), study, made_of)
        write_design("x", run, str(study), str(output), str(record))
        with xr.open_dataset(output) as dataset:
            attributes = dataset.attrs
            points = dataset["parameter_value"].values
        assert attributes["stochastic"] == stochastic
    assert attributes["design_method"] == "sobol" and attributes["estimator"] == "score"
    plain_sequence = {"method": "sobol", "samples": 8, "seed": 0, "replicates": 1}
    assert json.loads(attributes["design"]) == plain_sequence
    assert json.loads(attributes["correlations"]) == [couple]
    assert read_record(record) == run
    plain, _ = designs.make_design(run.design, {n: Uniform(low=1, high=2) for n in ("a", "b")})
    np.testing.assert_allclose(points[:, 0], plain[:, 0])
    assert abs(points[:, 1] - plain[:, 1]).max() > 0.01


def test_snakemake_warns_before_it_does_anything(tmp_path: Path) -> None:
    """A dry run and a folder with a record and two batches of a Latin hypercube that is to grow."""
    old, new = (make_run({"method": "latin-hypercube", "samples": n}) for n in (64, 128))
    (tmp_path / "results/x/batches").mkdir(parents=True)
    write_json(old.model_dump(mode="json"), tmp_path / "results/x/design.json")
    for name in ("000-000", "000-001"):
        (tmp_path / f"results/x/batches/{name}.nc").touch()
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"runs": {"x": new.model_dump(mode="json")}}))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--dry-run"),
            *(
                "--directory",
                str(tmp_path),
                "--cores",
                "1",
                "--configfile",
                str(tmp_path / "config.yaml"),
            ),
            "--replace-workflow-config",
        ],
        env=os.environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("Warning: run x: ")]
    assert lines == [f"Warning: {notice('x', old, new, ['000-000', '000-001'])}"]
    assert "all 2 finished batches (256 simulations)" in lines[0]
