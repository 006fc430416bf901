"""The picture of docs/architecture.md: drawn by scripts/house from what is there."""

import importlib.machinery
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def house() -> ModuleType:
    """The script, as a module."""
    loader = importlib.machinery.SourceFileLoader("house", str(ROOT / "scripts/house"))
    spec = importlib.util.spec_from_loader("house", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_picture_is_that_of_the_rooms_and_imports_of_today(house: ModuleType) -> None:
    drawn = (ROOT / "docs/house.svg").read_text()
    assert house.draw() == drawn, "docs/house.svg is stale: run scripts/house"
    assert "](house.svg)" in (ROOT / "docs/architecture.md").read_text()


def test_every_room_is_above_all_that_it_imports_and_beside_no_other(house: ModuleType) -> None:
    places = house.places()
    assert places.keys() == house.ROOMS.keys()
    for room, (left, bottom, width, above) in places.items():
        assert bottom < above and width > 0, room
        for other in house.imported()[room]:
            assert places[other][3] <= bottom, f"{room} is not above {other}"
        for other, (start, low, wide, high) in places.items():
            apart = start >= left + width - 1e-9 or left >= start + wide - 1e-9
            assert other == room or apart or low >= above or bottom >= high, (room, other)


def test_the_arrows_of_the_data_are_inputs_of_the_workflow(house: ModuleType) -> None:
    command = [sys.executable, "-m", "snakemake", "--configfile", "config/optimise.yaml", "--rulegraph"]
    command += ["--config", "runs={one-seed: {batch: 64}}"]  # auto is cut when the first job has ended
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    # Of the name of a rule that each run has one of, without the run.
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(draw|film|\w+)[-\w]*"', done.stdout, re.MULTILINE))
    inputs = {(rules[a], rules[b]) for a, b in re.findall(r"(\d+) -> (\d+)", done.stdout)}
    rule_of = {file: rule for file, (_, _, rule) in house.FILES.items()}
    drawn = {(rule_of[start], rule_of[end]) for start, end in house.arrows()}
    assert {pair for pair in drawn if pair[0]} <= inputs


@pytest.mark.parametrize(
    ("rule", "rooms"),
    [
        ("batch", ["engine"]),
        ("sensitivity", ["sensitivity"]),
        ("starts", ["optimisation"]),
        ("page", ["presentation"]),
    ],
)
def test_the_room_of_a_file_is_the_one_that_its_job_calls(
    house: ModuleType, rule: str, rooms: list[str]
) -> None:
    assert house.rooms_of(rule) == rooms


def test_a_circle_of_imports_is_said_in_one_line(
    house: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    circle = {"engine": {"studies"}, "studies": {"physics"}, "physics": {"engine"}}
    monkeypatch.setattr(house, "imported", lambda: circle)
    with pytest.raises(SystemExit, match=r"engine imports itself by physics, studies: .* downward"):
        house.reach("engine")
