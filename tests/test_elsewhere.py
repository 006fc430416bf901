"""No file and no page says where its author's files are, who he is, or what his machine is called."""

import getpass
import os
import platform
import shutil
from pathlib import Path

import pytest
from support import SUPPORT

import jaxmorph as jxm
from jaxmorph.configuration.elsewhere import without_place


def found_in(folder: Path, words: list[str]) -> dict[str, list[str]]:
    """Which files have which of the words, as bytes, beside no other letter or digit."""
    hits = {}
    for path in filter(Path.is_file, folder.rglob("*")):
        content = path.read_bytes()
        if there := [word for word in words if word.encode() in content]:
            hits[str(path.relative_to(folder))] = there
    return hits


def words_of_this_place(*folders: Path) -> list[str]:
    home = os.path.expanduser("~")
    # Names as short as `vm` or `root` are everywhere, by chance or by meaning.
    names = [name for name in (getpass.getuser(), platform.node()) if len(name) > 7]
    return [*map(str, folders), home + "/", str(Path.cwd()), *names]


def test_absolute_paths_have_names_instead() -> None:
    one, other = without_place("/home/you/cells.py:Cells"), without_place("/home/me/cells.py:Cells")
    assert one != other and one.startswith("elsewhere-") and one.endswith("/cells.py:Cells")
    assert without_place("C:\\Users\\you\\x.csv").endswith("/x.csv")
    assert without_place("~/x.csv").endswith("/x.csv") and "~" not in without_place("~/x.csv")
    for text in ("cells.py:Cells", "../data/x.csv", "reference", "1/s", "/", "", "/a text\nof lines"):
        assert without_place(text) == text


@pytest.mark.slow
def test_what_a_finished_workflow_leaves_has_no_place_and_no_name(finished: Path) -> None:
    assert found_in(finished / "results", words_of_this_place(finished)) == {}


@pytest.mark.slow
def test_a_study_and_data_of_absolute_paths_are_named_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "node", lambda: "laptop-of-someone")
    place = tmp_path / "someone"
    place.mkdir()
    shutil.copy(SUPPORT / "trap.py", place)
    (place / "course.csv").write_text("time [s],x [m]\n0.5,1.0\n1.0,0.5\n")
    (place / "force.csv").write_text("1,2\n")
    course = {"goal": "time-course", "observable": "x", "data": str(place / "course.csv")}
    analysis = jxm.analyse(
        f"{place}/trap.py:Trap",
        design={"method": "sobol", "samples": 4},
        seeds=4,
        folder=tmp_path / "here",
        progress=False,
        data=[str(place / "force.csv")],
        checks={"samples": 0},
        optimise={
            **{"objective": [course], "steps": 2, "seeds_per_step": 2, "evaluation_seeds": 4},
            **{"starts": {"method": "sobol", "samples": 2}, "refine": None},
        },
    )
    analysis.report(tmp_path / "here/report.html")
    files = {path.name for path in (tmp_path / "here").rglob("*") if path.is_file()}
    assert {"sensitivity.nc", "optimisation.nc", "design.json", "study.json", "run.json"} <= files
    hits = found_in(tmp_path / "here", ["someone", *words_of_this_place(tmp_path)])
    assert hits == {}
