"""What the terminal says while a workflow runs, by the events of Snakemake's logger."""

import atexit
import logging
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from jaxmorph.configuration import Cost, write_cost
from jaxmorph.terminal import Simulations, Stopped, duration, listen
from jaxmorph.terminal.plan import Plan
from jaxmorph.terminal.progress import how_long

BATCHES = ("000-000", "001-000", "002-000", "003-000")
COST = Cost(
    device="cpu",
    threads=1,
    simulations=32,
    seconds_per_simulation=0.5,
    compile_s=1.0,
    result_bytes_per_simulation=1,
    program_bytes=0,
)


def record(message: str = "", **attributes: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, **attributes})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(time, "monotonic", lambda: now.seconds)
    monkeypatch.setattr(Simulations, "_look_again", lambda self: None)
    return now


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def progress(said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulations:
    monkeypatch.chdir(tmp_path)
    simulations = Simulations(lambda: (2, 20.0), lambda: [STUDY, *map(file_of, BATCHES)], said.append)
    simulations.follow({"one": 1024}, str, lambda run, batch: 256)
    return simulations


STUDY = "results/one/cost.json"


def file_of(batch: str) -> str:
    return f"results/one/batches/{batch}.nc"


def starts(progress: Simulations, number: int, *files: str) -> None:
    more: dict[str, Any] = {"output": files, "log": [f"{number}.log"]}
    progress.handle(record(event=LogEvent.JOB_INFO, jobid=number, **more))


def ends(progress: Simulations, number: int) -> None:
    progress.handle(record(event=LogEvent.JOB_FINISHED, job_id=number))


def test_the_cost_is_said_as_soon_as_it_is_known(progress: Simulations, said: list[str]) -> None:
    starts(progress, 1, "results/one/study.json", f"{STUDY} (update)")  # as Snakemake shows one
    write_cost(COST, Path("results/one/cost.json"))
    ends(progress, 1)
    assert said == []  # how a new run is cut is known when the next job starts
    starts(progress, 2, "results/one/design.nc")
    # 512 s of simulations and 5 s of programs on two cores, and what a run takes besides.
    assert said == ["one: 1,024 simulations of 500 ms", "all of it in about 5 min on 2 cores"]


def test_of_a_run_that_is_cut_by_its_cost_it_is_said_when_it_is_cut(
    progress: Simulations, said: list[str]
) -> None:
    cut, files = "results/one/cut.json", [STUDY, "results/one/cut.json"]
    progress._planned = lambda: files
    starts(progress, 1, STUDY)
    write_cost(COST, Path(STUDY))
    ends(progress, 1)
    starts(progress, 2, f"{cut} (update)")
    starts(progress, 3, "results/one/corners.nc")
    files += [file_of("000-000")]
    ends(progress, 2)
    assert said == []
    starts(progress, 4, file_of("000-000"))
    assert said == ["one: 256 simulations of 500 ms", "all of it in about 2 min on 2 cores"]


@pytest.mark.parametrize(
    ("runs", "cores", "line"),
    [
        # 10 s besides each. One batch cannot use two cores.
        ([(1, 0, [90])], 2, "all of it in about 2 min on 2 cores"),
        ([(1, 0, [40, 40])], 2, "all of it in about 50 s on 2 cores"),
        # Checks of 5 programs of 12 s beside the batches.
        ([(1, 12, [1])], 2, "all of it in about 70 s on 2 cores"),
        ([(1, 12, [1])], 1, "all of it in about 71 s on 1 core"),
        ([(1, 0, [50])] * 4, 1, "all of it in about 4 min on 1 core; the first report in about 60 s"),
        ([(1, 0, [20]), (1, 0, [600])], 2, "all of it in about 10 min on 2 cores; "),
    ],
)
def test_the_time_of_all_runs_is_that_of_the_longest_or_of_all_work(
    runs: list[tuple[float, float, list[int]]], cores: int, line: str
) -> None:
    costs = [
        (COST.model_copy(update={"seconds_per_simulation": s, "compile_s": c}), sizes)
        for s, c, sizes in runs
    ]
    assert how_long(costs, cores, 10.0).startswith(line)


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        (["study.json"], []),
        (["study.json", "sensitivity.nc"], ["one: 1,024 simulations"]),
        (["sensitivity.nc", "figures/a.svg", "figures/a.pdf"], ["one: 1 figure"]),
        (["batches/000-000.nc", "batches/000-001.nc", "checks.nc"], ["one: 512 simulations, checks"]),
        (
            ["figures/a.svg", "figures/b.svg", "animations/c.mp4", "report.html", "sensitivity.nc"],
            ["one: 2 figures, 1 film, report.html"],
        ),
    ],
)
def test_what_is_made_of_a_run_is_said_once(files: list[str], lines: list[str], said: list[str]) -> None:
    plan = Plan(lambda: [f"there/results/one/{file}" for file in files], said.append)
    plan.follow({"one": 1024, "other": 7}, "there/{}".format, lambda run, batch: 256)
    for _ in range(2):  # a dry run has two tables
        plan.handle(record(event=LogEvent.RUN_INFO))
    assert said == lines


def test_how_far_it_is_counts_finished_batches_and_those_that_run(
    progress: Simulations, said: list[str], clock: SimpleNamespace
) -> None:
    first, second, *_ = BATCHES
    starts(progress, 1, file_of(first))
    starts(progress, 2, file_of(second))
    clock.seconds += 64
    Path("2.log").write_text("x 100%|##| 64/256 [00:01<00:02, 1 sim/s]\rx 100%|##| 128/256 [00:01<00:02")
    ends(progress, 1)
    assert said == ["384 of 1,024 simulations done, 6 a second; the others take about 2 min"]
    clock.seconds += 1
    ends(progress, 2)
    assert len(said) == 1  # not more often than somebody reads


def test_a_command_without_batches_says_nothing(progress: Simulations, said: list[str]) -> None:
    starts(progress, 1, "results/one/design.nc")
    ends(progress, 1)
    ends(progress, 2)
    progress.handle(record("Building DAG of jobs..."))
    assert said == []


def test_runs_of_two_modules_are_counted_together_wherever_their_files_are(
    progress: Simulations, said: list[str], clock: SimpleNamespace
) -> None:
    """A second module has a run of the same name, and is read twice, as by two `use rule`."""
    for _ in range(2):
        progress.follow({"one": 1024}, "there/{}".format, lambda run, batch: 256)
    files = [file_of(batch) for batch in BATCHES]
    progress._planned = lambda: [*files, *(f"there/{file}" for file in files)]
    starts(progress, 1, files[0])
    starts(progress, 2, f"there/{files[0]}")
    clock.seconds += 32
    ends(progress, 2)
    assert said == ["256 of 2,048 simulations done, 8 a second; the others take about 4 min"]


def test_a_workflow_that_is_read_twice_has_its_handlers_once() -> None:
    logger, workflow = logging.Logger("of a test"), SimpleNamespace(cores=2)

    def offer() -> None:
        pass

    simulations = listen(workflow, logger, offer)
    assert listen(workflow, logger, offer) is simulations
    assert [type(handler).__name__ for handler in logger.handlers] == [
        "Plan",
        "FailedJobs",
        "_Forks",
        "Simulations",
    ]
    assert [type(one).__name__ for one in logger.filters] == ["Stopped"]
    assert listen(SimpleNamespace(cores=2), logger, offer) is not simulations


def test_after_ctrl_c_nothing_is_shown_but_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(atexit, "register", lambda _, text, **more: said.append(text))
    stopped = Stopped()
    assert stopped.filter(record("Select jobs to execute..."))
    shown = [
        stopped.filter(record(message))
        for message in (
            "Terminating processes on user request, this might take some time.",
            "RuleException: died with <Signals.SIGINT: 2>.",
        )
    ]
    assert shown == [False, False]
    (text,) = said
    assert len(text.splitlines()) == 3 and "the same command" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (40, "40 s"), (120, "2 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
