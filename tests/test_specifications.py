"""What a job is told: all that decides its numbers, and nothing that it was not told is made up."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from jaxmorph import optimisation, store
from jaxmorph.configuration import Run
from jaxmorph.configuration.specifications import ModelSpecification
from jaxmorph.configuration.specify import Specifications
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs.optimise import optimise_starts
from jaxmorph.jobs.study import describe_study

RUN = Run.model_validate(
    {
        "study": "ornstein-uhlenbeck",
        "settings": {"n_steps": 4, "record_every": 2},
        "parameters": {"x0": "default", "k": {"distribution": "uniform", "low": 0.5, "high": 6.0}},
        "fixed": {"kT": 0.05},
        "design": {"method": "grid", "points": {"k": 2, "x0": 3}},
        "correlations": [],
        "estimator": "smoothed",
        "smoothing": 0.2,
        "seeds": 3,
        "optimise": {
            "objective": [
                {"observable": "position", "goal": "target", "value": 0.5},
                {"observable": "squared_position", "goal": "minimise", "weight": 2.0},
            ],
            "free": ["k", "x0"],
            "starts": {"method": "sobol", "samples": 4},
            "starts_per_job": 2,
            "steps": 2,
            "evaluation_seeds": 32,
        },
    }
)
MADE = Specifications(RUN)
OF_JOBS: dict[str, ModelSpecification] = {
    "study": MADE.study,
    "batch": MADE.batch("000-000"),
    "corners": MADE.corners,
    "checks": MADE.checks,
    "objective": MADE.objective,
    "starts": MADE.starts("001"),
    "optimisation": MADE.optimisation,
}


@pytest.mark.parametrize("job", OF_JOBS)
def test_a_specification_comes_back_from_its_params(job: str) -> None:
    made = OF_JOBS[job]
    plain = made.plain()
    assert json.loads(json.dumps(plain)) == plain
    again = type(made).from_plain(plain)
    assert again == made and again.plain() == plain


@pytest.mark.parametrize("job", OF_JOBS)
def test_what_a_job_is_not_told_is_an_error(job: str) -> None:
    """The digest of the code among it."""
    made = OF_JOBS[job]
    plain = made.plain()
    assert "code" in plain
    for key in plain:
        with pytest.raises(ValidationError, match=rf"\n{key}\n  Field required"):
            type(made).from_plain({k: v for k, v in plain.items() if k != key})
    with pytest.raises(ValidationError, match="sedes\n  Extra inputs are not permitted"):
        type(made).from_plain(plain | {"sedes": 1})
    with pytest.raises(ValidationError, match="frozen"):
        made.key = 1  # type: ignore[misc]


def test_plain_values_of_many_batches_are_those_of_each_and_share_what_is_equal() -> None:
    run = Run.from_plain(RUN.plain() | {"batch": {"samples": 6, "seeds": 1}})
    made = Specifications(run)
    plain = {name: made.plain_batch(name) for name in run.batches}
    assert len(plain) == 3
    assert plain == {name: made.batch(name).plain() for name in run.batches}
    one, other, _ = plain.values()
    assert one["parameters"] is other["parameters"] and one["design"] is other["design"]


def test_the_free_parameters_are_named_in_the_order_of_the_run() -> None:
    assert MADE.objective.free == ("x0", "k")
    every = RUN.optimise.model_copy(update={"free": "all"}) if RUN.optimise else None
    assert Specifications(RUN.model_copy(update={"optimise": every})).objective == MADE.objective


def test_films_and_the_optimisation_are_nothing_to_design_and_estimates() -> None:
    other = RUN.model_copy(update={"optimise": None, "allow_partial": True})
    assert Specifications(other).design == MADE.design
    assert Specifications(other).estimates != MADE.estimates
    assert MADE.estimates.optimise is None and MADE.estimates.design == RUN.design


def test_the_starts_are_given_the_settings_of_the_run_and_no_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is not theirs is absent: it had its default, whatever the configuration said."""
    monkeypatch.chdir(tmp_path)
    given: list[Any] = []

    class Enough(Exception):
        pass

    def descend(problem: Any, objective: Any, points: Any, settings: Any, **_: Any) -> None:
        given.extend([problem, points, settings])
        raise Enough

    monkeypatch.setattr(optimisation, "descend", descend)
    record = store.ObjectiveRecord(time=(0.0, 0.02, 0.04), courses={})
    store.write_record(record, "objective.json", MADE.objective.identity)
    with pytest.raises(Enough):
        optimise_starts("r", MADE.starts("001"), "objective.json", "starts-001.nc")
    problem, points, settings = given
    assert problem.names == ("x0", "k") and problem.observables == ("position", "squared_position")
    assert points.shape == (2, 2)
    assert settings.steps == 2
    assert not hasattr(settings, "evaluation_seeds") and not hasattr(settings, "starts_per_job")
    assert MADE.optimisation.evaluation_seeds == 32


def test_the_study_job_writes_what_the_others_read(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("study.json", "cost.json")]
    describe_study("r", MADE.study, RUN.animation, RUN.seeds, *paths)
    record = store.read_record(paths[0], store.StudyRecord, MADE.study.identity)
    assert [p.name for p in record.parameters] == ["x0", "k"] and record.stochastic
    assert record.fixed_parameters["kT"] == 0.05 and record.settings["n_steps"] == 4
    assert record.parameters[1].distribution == RUN.parameters["k"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "pressure"}, "runs.r.animation.colour = pressure: OrnsteinUhlenbeckStudy stores no"),
        (
            {"observable": "x"},
            "runs.r.animation.observable = x: not an observable of the run; known: po",
        ),
    ],
)
def test_what_a_film_cannot_show_is_said_by_the_study_job(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    animation = RUN.animation.model_copy(update=changes)
    with pytest.raises(JaxmorphError, match=message):
        describe_study("r", MADE.study, animation, RUN.seeds, str(tmp_path / "s"), str(tmp_path / "c"))


@pytest.mark.parametrize("content", ["{}", '{"time": [0], "courses": {"0": {"time": [0]}}}', "[]"])
def test_a_record_of_another_version_is_named_with_a_remedy(tmp_path: Path, content: str) -> None:
    path = tmp_path / "objective.json"
    path.write_text(content)
    with pytest.raises(JaxmorphError, match=r"objective.json: is damaged or of another version; make"):
        store.read_record(path, store.ObjectiveRecord, MADE.objective.identity)


def test_a_study_with_infinite_settings_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    record = store.StudyRecord(
        study="a",
        study_description="b",
        study_source="",
        stochastic=False,
        settings={"cutoff": np.inf, "shape": [1, 2.0]},
        fixed_parameters={"reach": np.inf},
        parameters=(),
        cuts=(),
    )
    store.write_record(record, path, MADE.study.identity)
    assert store.read_record(path, store.StudyRecord, MADE.study.identity) == record
