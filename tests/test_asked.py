"""What an objective asks for, in words and numbers, and what an optimisation leaves as it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from jaxmorph import optimisation
from jaxmorph.configuration import terms
from jaxmorph.configuration.courses import MeasuredCourse, read_course
from jaxmorph.configuration.optimise import Optimiser, Schedule
from jaxmorph.distributions import Uniform
from jaxmorph.errors import JaxmorphError
from jaxmorph.studies import load_problem

ASKED = TypeAdapter(tuple[terms.Term, ...]).validate_python(
    (
        {"observable": "x", "goal": "time-course", "data": "gone.csv", "weight": 2.0},
        {"observable": "y", "goal": "target", "value": 3.0, "error": 0.5},
        {"observable": "z", "goal": "target", "value": -1.0, "when": "all"},
        {"observable": "y", "goal": "minimise", "weight": 0.25},
        {"observable": "x", "goal": "maximise", "when": "all"},
    )
)


def test_an_objective_in_words() -> None:
    assert terms.in_words(ASKED) == (
        "2 x (x as in gone.csv); target y = 3 +- 0.5, end; target z = -1 +- 1, all; "
        "0.25 x (minimise y, end); maximise x, all"
    )
    assert [terms.goals_of(ASKED, name) for name in "xyz"] == [
        "time-course, maximise", "target, minimise", "target",
    ]  # fmt: skip


def test_targets_at_the_recorded_times() -> None:
    """Data are interpolated between the first and the last of their times, and absent beyond."""
    course = MeasuredCourse((1.0, 2.0), (10.0, 20.0), (1.0, 3.0), {})
    time = np.array([0.0, 1.0, 1.5, 2.0, 3.0])
    value, error = optimisation.targets(ASKED, {0: course}, time, ("x", "y", "z"))
    nan = np.nan
    np.testing.assert_array_equal(value[:, 0], [nan, 10, 15, 20, nan])
    np.testing.assert_array_equal(error[:, 0], [nan, 1, 2, 3, nan])
    np.testing.assert_array_equal(value[:, 1], [nan, nan, nan, nan, 3])
    np.testing.assert_array_equal(error[:, 1], [nan, nan, nan, nan, 0.5])
    np.testing.assert_array_equal(value[:, 2], np.full(5, -1.0))
    unknown = MeasuredCourse((1.0, 2.0), (10.0, 20.0), None, {})
    assert np.isnan(optimisation.targets(ASKED, {0: unknown}, time, ("x", "y", "z"))[1][:, 0]).all()


def test_what_is_used_of_the_data_comes_back_from_its_text(tmp_path: Path) -> None:
    course = MeasuredCourse((0.1, 1 / 3), (1.0, 2 / 3), (0.5, 0.25), {"x": "um"})
    (text,) = terms.used_data(ASKED, {0: course}).values()
    (tmp_path / "again.csv").write_text(text)
    assert read_course(str(tmp_path / "again.csv"), "x") == course


def test_a_line_search_refuses_fresh_seeds() -> None:
    asked = Optimiser(name="lbfgs")
    optimisation.check_optimiser(asked, noisy=False)
    with pytest.raises(JaxmorphError, match=r"optimiser.name = lbfgs: searches along lines, which fre"):
        optimisation.check_optimiser(asked, noisy=True)
    optimisation.check_optimiser(Optimiser(), noisy=True)


def test_what_optax_refuses_is_named() -> None:
    never = Schedule(name="cosine_decay_schedule", settings={"init_value": 0.1, "decay_steps": -1})
    with pytest.raises(
        JaxmorphError, match=r"optimiser.schedule.settings: cosine_decay_schedule refuses"
    ):
        optimisation.check_optimiser(Optimiser(schedule=never), noisy=True)


def test_parameters_that_are_not_free_stay_at_their_medians() -> None:
    ranges: dict[str, Any] = {"k": "default", "x0": Uniform(low=1, high=3), "kT": "default"}
    whole = load_problem("ornstein-uhlenbeck", {}, ranges, "all", {"gamma": 2.0})
    part = whole.freeing(["kT", "k"], ("position",))
    assert part.names == ("k", "kT") and part.observables == ("position",)
    assert part.distributions == (whole.distributions[0], whole.distributions[2])
    assert part.fixed == whole.fixed | {"x0": 2.0} and part.fixed["gamma"] == 2.0
    assert [o.name for o in part.measured] == ["position"]
    assert whole.bounds[0][1] == 1 and whole.bounds[1][1] == 3
