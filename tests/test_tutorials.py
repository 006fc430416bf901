"""The notebooks of docs/tutorials run as they are, cell after cell, and say what they should."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import matplotlib
import numpy as np
import pytest
from support import ROOT

TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.ipynb"))


def code_of(notebook: Path) -> Iterator[str]:
    """What each of its cells of code computes."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    before, names = jax.config.read("jax_enable_x64"), dict[str, Any]({"__name__": "tutorial"})
    try:
        for cell in code_of(path):
            exec(cell, names)
    finally:
        jax.config.update("jax_enable_x64", before)
    analysis = names["analysis"]
    assert names["figure"].axes and "<svg" in analysis._repr_html_()
    average = analysis.dataset["gradient_average"].isel(time=-1)
    if path.stem == "gradients":
        np.testing.assert_array_equal(names["gradient"], 0.5)
        # Nothing but growth changes radii.
        np.testing.assert_array_equal(average.sel(observable="mean_radius"), 0)
    elif path.stem == "ode":
        # What is born feeds predators: their mean over a cycle is birth / hunger.
        predators = analysis.dataset["gradient_average"].sel(observable="predators").mean("time")
        assert predators.sel(parameter="birth") > 0 > predators.sel(parameter="hunger")
    else:
        assert (tmp_path / "cluster.html").is_file()
        # A stiffer spring makes the cluster smaller, repulsion makes it larger.
        assert average.sel(parameter="stiffness") < 0 < average.sel(parameter="repulsion")


def test_tutorials_carry_no_outputs() -> None:
    """They would be of some other version, and change with every run."""
    assert len(TUTORIALS) == 3
    for path in TUTORIALS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
