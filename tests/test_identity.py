"""A file is what made it: what differs is said key by key, and other code computes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from jaxmorph.configuration import Run
from jaxmorph.configuration.identity import Identity, differences
from jaxmorph.configuration.specify import Specifications
from jaxmorph.errors import JaxmorphError
from jaxmorph.jobs import problem
from jaxmorph.jobs.run import ASKED_IN

RUN: dict[str, Any] = {
    "study": "ornstein-uhlenbeck",
    "parameters": {"x0": "default", "k": {"distribution": "uniform", "low": 0.5, "high": 6.0}},
    "design": {"method": "sobol", "samples": 16},
    "seeds": 4,
    "checks": {"samples": 2},
}


def specified(**changes: Any) -> Specifications:
    return Specifications(Run.model_validate(RUN | changes))


def test_what_differs_is_named_key_by_key() -> None:
    plain = specified().batch("000-000").plain()
    assert differences(plain, json.loads(json.dumps(plain))) == []
    other = plain | {"key": 1, "code": "0", "smoothing": 0.5, "settings": {"n_steps": 3}}
    other["parameters"] = [plain["parameters"][0], ["k", {**plain["parameters"][1][1], "high": 7.0}]]
    assert differences(plain, other) == [
        "settings.n_steps = 3, not null",
        "parameters.k.high = 7.0, not 6.0",
        "key = 1, not 0",
        "other code",
        "smoothing = 0.5, not null",
    ]
    turned = plain | {"parameters": plain["parameters"][::-1]}
    assert differences(plain, turned) == ["parameters in another order"]


def test_a_file_is_known_by_its_attributes() -> None:
    made_of = specified().batch("000-000").identity
    plain = dict(made_of.plain)
    asked = json.dumps({k: v for k, v in plain.items() if k not in ("code", "data_digests")})
    attributes = {**made_of.attributes(), "configuration": asked}
    assert made_of.refusal(attributes) is None
    assert made_of.refusal({}) == "it does not say what it was made of"
    refusal = specified(key=3).batch("000-000").identity.refusal(attributes)
    assert refusal == "it was made of something else: key = 0, not 3"
    estimates = specified().of_estimates
    asked = json.dumps({k: v for k, v in estimates.plain.items() if k not in ("code", "data_digests")})
    attributes_of = {**estimates.attributes(), "configuration": asked}
    assert estimates.refusal(attributes_of) is None
    other = Identity(dict(estimates.plain) | {"estimators": "0"})
    assert other.refusal(attributes_of) == "it was made of something else: other estimators"
    older = Identity(plain | {"code": "0"}).refusal(attributes)
    assert older == "it was made of something else: other code"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        *[(kind, {"key": 1}) for kind in ("design", "sensitivity", "corners", "checks")],
        *[(kind, {"fixed": {"kT": 0.1}}) for kind in ("design", "sensitivity", "corners", "checks")],
        ("checks", {"design": {"method": "sobol", "samples": 32}}),
        ("sensitivity", {"seeds": 8}),
        ("design", {"design": {"method": "sobol", "samples": 32}}),
    ],
)
def test_every_file_of_another_question_is_another(kind: str, changes: dict[str, Any]) -> None:
    one, other = specified().identities[kind], specified(**changes).identities[kind]
    assert one.digest != other.digest and differences(one.plain, other.plain)


def test_how_a_run_is_shown_changes_no_file_of_numbers() -> None:
    looks = {"animation": {"colour": "radius"}, "figures": {"width": 89}}
    of = [{kind: one.digest for kind, one in specified(**c).identities.items()} for c in ({}, looks)]
    assert of[0] == of[1]


def test_the_starts_are_known_from_the_whole_optimisation() -> None:
    optimise = {
        "objective": [{"observable": "position", "goal": "target", "value": 0.5}],
        "starts": {"method": "sobol", "samples": 4},
        "starts_per_job": 2,
    }
    specs = specified(optimise=optimise)
    made = specs.starts("001")
    assert specs.optimisation.of_starts(*made.numbers) == made.identity
    assert specs.optimisation.of_objective == made.of_objective == specs.objective.identity


def test_a_job_of_other_code_computes_nothing(tmp_path: Path) -> None:
    """It would be taken for what the specification says."""
    spec = specified().corners
    problem.hold_to_code(spec)
    other = spec.model_copy(update={"code": "0" * 16})
    with pytest.raises(JaxmorphError, match="have changed since this command began; run it again"):
        problem.run_problem("r", other)
    token = ASKED_IN.set(tmp_path)
    try:
        own = Path(problem.__file__).parents[2]
        line = f"imported the package of {own}, the workflow was read with that of {tmp_path}; uninstall"
        with pytest.raises(JaxmorphError, match=line):
            problem.run_problem("r", other)
    finally:
        ASKED_IN.reset(token)


def test_data_that_changed_since_the_command_began_compute_nothing(tmp_path: Path) -> None:
    file = tmp_path / "force.csv"
    file.write_text("1,2\n")
    spec = specified(data=[str(file)]).corners
    problem.hold_to_code(spec)
    file.write_text("1,3\n")
    with pytest.raises(JaxmorphError, match=r"force.csv: has changed since this command began; run it"):
        problem.hold_to_code(spec)
