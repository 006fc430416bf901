"""The trial of a machine with a GPU, in miniature on this processor; and the counting of kernels."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from benchmarks.gpu import answers, compiled, kernels, paper, parts, profile, throughput
from benchmarks.gpu.studies import EXACT, TISSUES, asked
from benchmarks.gpu.text import written_out
from benchmarks.gpu.trial import STAGES, Part, Trial
from benchmarks.task import Task
from jaxmorph import JaxmorphError
from jaxmorph.configuration import BUILT_IN_STUDIES

TINY = Task(cells=2, steps=2, relaxation_steps=5)


def test_every_study_is_asked_and_has_answers_on_file() -> None:
    in_stages = [part.arguments[1:] for stage in STAGES for part in stage if part.kind == "answers"]
    assert sorted(study for studies in in_stages for study in studies) == sorted(BUILT_IN_STUDIES)
    assert set(answers.on_file()) == set(BUILT_IN_STUDIES) == {*EXACT, *TISSUES}
    # The last stage has what is left.
    assert sum(max(part.seconds for part in stage) for stage in STAGES[:-1]) <= 450
    for study in TISSUES:
        stored, what = answers.on_file()[study], asked(study)
        assert stored["value"]["shape"][:2] == [what.samples, what.seeds]
        assert len(stored["points"][0]) == len(what.problem.names)


@pytest.mark.parametrize("study", ["ornstein-uhlenbeck", "linear", "ishigami"])
def test_answers_are_those_on_file(study: str) -> None:
    (row,) = parts.answer(study)
    assert row["same"] and row["value_apart"] <= 1e-9 and row["gradient_apart"] <= 1e-9, row


def test_wrong_answers_are_told_from_right_ones() -> None:
    stored = answers.on_file()["ornstein-uhlenbeck"]
    moved = json.loads(json.dumps(stored))
    moved["gradient"]["all"][0][0][1][0][0] += 1e-6
    row = answers.compare("ornstein-uhlenbeck", moved, stored)
    assert not row["same"] and row["value_apart"] == 0 and row["gradient_apart"] > 1e-9
    moved["value"]["shape"][0] = 3
    assert "value_shapes" in answers.compare("ornstein-uhlenbeck", moved, stored)


def test_means_of_chaotic_studies_are_compared_in_standard_errors() -> None:
    rng = np.random.default_rng(0)
    first, second, other = rng.normal(size=(3, 4, 8, 2, 3))
    of = [
        {"value": answers._means(x), "gradient": answers._means(x)} for x in (first, second, other + 3)
    ]
    same = answers.compare("elongation", of[0], of[1])
    assert same["same"] and same["chaotic"] and 0.3 < same["value_apart"] < 4
    assert not answers.compare("elongation", of[0], of[2])["same"]
    first[0, 0] = np.nan
    assert answers._means(first)["not_finite"] == 1


def test_a_study_that_fails_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(study: str, points: Any) -> Any:
        raise RuntimeError(f"no {study}\nhere")

    monkeypatch.setattr(answers, "evaluate", fails)
    rows = list(parts.answer("linear", "ishigami"))
    assert [row["left_out"] for row in rows] == [
        f"RuntimeError: no {s} here" for s in ("linear", "ishigami")
    ]


def test_throughput_and_profile_of_few_simulations() -> None:
    rows = list(throughput.throughput("none", (2, 3), TINY))
    assert [row["simulations"] for row in rows] == [4, 8]
    assert all(row["seconds"] > 0 and row["program_mb"] > 0 for row in rows)
    row = profile.profiled("none", 2, TINY)
    assert row["kernels"] and row["launches"] > 0 and row["kernels"][0]["ms"] > 0
    text = written_out({"about": [], "ended": [], "throughput": rows, "profile": [row]})
    assert "| none | kernels | 4 |" in text and "## Profile: none" in text


def test_a_size_that_would_take_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(task: Task, mode: str, forces: str) -> dict[str, float]:
        if task.simulations == 2**18:
            raise MemoryError("none left")
        return {"seconds": 1e-3 * task.simulations}

    monkeypatch.setattr(throughput, "_measured", measured)
    rows = list(throughput.throughput("none", (12, 16, 8, 18)))
    assert [("seconds" in row, row.get("left_out", "")) for row in rows] == [
        (True, ""),
        (False, "a call would take about 66 s"),
        (True, ""),
        (False, "a call would take about 262 s"),
    ]
    (row,) = throughput.throughput("none", [18])
    assert row["left_out"] == "MemoryError: none left"


def test_the_time_of_what_is_inside_an_event_is_not_its_own() -> None:
    events = [(0.0, 10.0, "whole"), (1.0, 4.0, "part"), (2.0, 3.0, "inner"), (5.0, 6.0, "part")]
    found: dict[str, float] = {}
    for name, spent in profile.self_times([*events, (12.0, 13.0, "next")]):
        found[name] = found.get(name, 0) + spent
    assert found == {"whole": 6, "part": 3, "inner": 1, "next": 1}


def test_a_trial_ends_in_time_and_leaves_what_it_has(tmp_path: Path) -> None:
    """A part that is whole, one that fails, one that takes too long, one for which no time is left."""
    trial = Trial(tmp_path, 30)
    trial.run([[Part(("about",), 30), Part(("nonsense",), 30)], [Part(("answers", "epidemic"), 0.3)]])
    trial.ends = 0
    trial.run([[Part(("rates",), 10)]])
    found = json.loads((tmp_path / "trial.json").read_text())
    assert found["about"][0]["devices"].startswith("cpu")
    ended = {row["part"]: row["how"] for row in found["ended"]}
    assert ended["about"] == "whole" and ended["nonsense"] == "ended with 1: log.txt has why"
    assert ended["answers epidemic"].startswith("cut off") and ended["rates"] == "no time was left"
    assert "KeyError: 'nonsense'" in (tmp_path / "log.txt").read_text()
    assert "| about | whole |" in (tmp_path / "README.md").read_text()


# --- kernels -------------------------------------------------------------------------------------

PROGRAM = """\
HloModule jit_f, is_scheduled=true

%fused_slice (param_0: f32[10,4], param_1: s32[]) -> f32[4] {
  %param_0 = f32[10,4]{1,0} parameter(0)
  %param_1 = s32[] parameter(1)
  %dynamic-slice.1 = f32[1,4]{1,0} dynamic-slice(%param_0, %param_1), dynamic_slice_sizes={1,4}
  ROOT %bitcast.1 = f32[4]{0} bitcast(%dynamic-slice.1)
}

%fused_update (param_0: f32[10,4], param_1: f32[4], param_2: s32[]) -> f32[10,4] {
  %param_0 = f32[10,4]{1,0} parameter(0)
  %param_1 = f32[4]{0} parameter(1)
  %param_2 = s32[] parameter(2)
  %bitcast.2 = f32[1,4]{1,0} bitcast(%param_1)
  ROOT %dynamic-update-slice.1 = f32[10,4]{1,0} dynamic-update-slice(%param_0, %bitcast.2, %param_2)
}

%body (arg: (s32[], f32[10,4], f32[4])) -> (s32[], f32[10,4], f32[4]) {
  %arg = (s32[], f32[10,4]{1,0}, f32[4]{0}) parameter(0)
  %i = s32[] get-tuple-element(%arg), index=0
  %x = f32[10,4]{1,0} get-tuple-element(%arg), index=1
  %y = f32[4]{0} fusion(%x, %i), kind=kLoop, calls=%fused_slice
  %z = f32[10,4]{1,0} fusion(%x, %y, %i), kind=kLoop, calls=%fused_update
  ROOT %tuple = (s32[], f32[10,4]{1,0}, f32[4]{0}) tuple(%i, %z, %y)
}

%condition (arg.1: (s32[], f32[10,4], f32[4])) -> pred[] {
  %arg.1 = (s32[], f32[10,4]{1,0}, f32[4]{0}) parameter(0)
  ROOT %true = pred[] constant(true)
}

ENTRY %main (x.1: f32[10,4]) -> f32[10,4] {
  %x.1 = f32[10,4]{1,0} parameter(0)
  %zero = s32[] constant(0)
  %copy.1 = f32[10,4]{1,0} copy(%x.1)
  %slice.1 = f32[4]{0} slice(%x.1), slice={[0:1], [0:4]}
  %tuple.1 = (s32[], f32[10,4]{1,0}, f32[4]{0}) tuple(%zero, %copy.1, %slice.1)
  %loop = (s32[], f32[10,4]{1,0}, f32[4]{0}) while(%tuple.1), condition=%condition, body=%body, \
backend_config={"known_trip_count":{"n":"7"}}
  ROOT %out = f32[10,4]{1,0} get-tuple-element(%loop), index=1
}
"""


@pytest.mark.skipif(find_spec("jax_cuda12_plugin") is not None, reason="JAX compiles for CUDA here")
def test_where_jax_cannot_compile_for_gpus_it_is_one_readable_line() -> None:
    with pytest.raises(
        JaxmorphError, match=r"cannot compile for CUDA .*; install jax-cuda12-plugin"
    ) as e:
        compiled.gpu()
    assert len(str(e.value).splitlines()) == 1


def test_programs_are_counted_as_a_gpu_would_run_them() -> None:
    """Of every study that is asked for, in which modes; tissues as config/tissues.yaml has them."""
    found = [(case.study, case.mode) for case in paper.cases(["reference", "elongation"])]
    assert found == [("reference", m) for m in ("none", "reverse", "forward")] + [
        ("elongation", "none"),
        ("elongation", "auto"),
    ]
    with compiled.traced_for_gpus():
        assert jax.default_backend() == "gpu"


def test_kernels_and_their_bytes_are_counted() -> None:
    # A turn: a row of 16 bytes and its index are read, a row is written; and the other way round.
    a_turn = (16 + 4 + 16) + (16 + 4 + 16)
    whole = kernels.count(PROGRAM)
    assert whole == kernels.Kernels(2 + 7 * 2, 2 * 160 + 2 * 16 + 7 * a_turn)
    endless = kernels.count(PROGRAM.replace("known_trip_count", "another"))
    assert endless.unknown == 1 and endless.launches == 4
    assert kernels.size("(f32[2,3]{1,0}, pred[], u32[5]{0})") == 24 + 1 + 20
