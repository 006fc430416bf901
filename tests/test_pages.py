"""The pages of docs/tutorials that are no notebooks: their code and configuration, as written there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import ROOT

PAGES = ROOT / "docs/tutorials"


def test_a_figure_of_a_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (PAGES / "paper-figure.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        exec(block, names)
    assert abs(names["figure"].get_size_inches()[0] * 25.4 - 89) < 0.1
    assert (tmp_path / "effects.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "effects.tiff").is_file() and "stiffness" in (
        tmp_path / "effects.svg"
    ).read_text()
    lines = (tmp_path / "effects.csv").read_text().splitlines()
    assert len(lines) == 4 and lines[0].startswith("parameter,elasticity_average")


def test_the_run_of_the_notebook_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_tutorials import code_of

    from jaxmorph import studies
    from jaxmorph.configuration import read_configuration

    (text,) = re.findall(
        r"<!-- run -->\n```yaml\n(.*?)```", (PAGES / "cluster.md").read_text(), re.DOTALL
    )
    (tmp_path / "my.yaml").write_text(text)
    imports, *cells = code_of(PAGES / "your-own-cells.ipynb")
    (definition,) = [cell for cell in cells if "class Cluster" in cell]
    (tmp_path / "cluster.py").write_text(f"{imports}\n{definition}")
    monkeypatch.chdir(tmp_path)
    run = read_configuration("my.yaml").runs["cluster"]
    problem = studies.load_problem(run.study, run.settings, run.parameters, run.observables)
    assert problem.study.describe() == "Soft cells on a spring."
    assert set(yaml.safe_load(text)["runs"]["cluster"]["parameters"]) == {
        parameter.name for parameter in problem.study.parameters
    }
