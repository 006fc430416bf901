"""The README's examples, as written there."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_the_study_and_its_configuration_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jaxmorph import engine, studies
    from jaxmorph.configuration import read_configuration

    monkeypatch.chdir(tmp_path)
    (tmp_path / "trap.py").write_text(blocks("python")[0])
    (tmp_path / "my.yaml").write_text(blocks("yaml")[0])
    run = read_configuration("my.yaml").runs["trap"]
    problem = studies.load_problem(run.study, run.settings, run.parameters, run.observables)
    result = engine.evaluate(problem, np.array([[2.0, 1.5]]), np.arange(3), run_key=run.key)
    assert result.gradient is not None
    # x_n = a^n x0 + noise with a = 1 - 0.1 k = 0.8, so dx_n/dx0 = a^n for every seed.
    expected = np.broadcast_to(0.8 ** np.arange(1, 13), (3, 12))
    np.testing.assert_allclose(result.gradient[0, :, :, 0, 1], expected, rtol=1e-12)


@pytest.mark.slow
def test_the_library_page_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jax

    page = (ROOT / "docs/library.md").read_text()
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    examples = {
        heading: re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        for heading, text in sections.items()
    }
    call, function = examples.pop("A run in one call")
    (compared,) = examples.pop("Several runs")
    (exchanged,) = examples.pop("To and from other programs")
    (code,) = examples.pop("From parts")
    (division,) = examples.pop("Division, death and lineage")
    (pictures,) = examples.pop("Pictures")
    estimates, of_salib = examples.pop("Estimates without the workflow")
    assert not any(examples.values()), "examples that this test does not run"
    before = jax.numpy.zeros(1).dtype == "float64"
    try:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MPLBACKEND", "Agg")
        called: dict[str, Any] = {"__name__": "page"}
        exec(f"import jax\n{call}{function}", called)
        assert (tmp_path / "linear.html").stat().st_size > 100_000
        effects = called["analysis"].dataset["sobol_total"].squeeze()
        np.testing.assert_allclose(effects, [4 / 7, 4 / 7], atol=0.15)  # of a b on a square
        exec(compared, called)
        assert (tmp_path / "control-mutant.html").exists()
        apart = called["both"].dataset["gradient_average_difference"].squeeze()
        np.testing.assert_allclose(apart, [0, 0, 0, 2.0 - 3.0, 0], atol=1e-12)  # c4 of the two
        exec(exchanged, called)
        assert (tmp_path / "tables/time-observable-parameter.csv").exists()
        assert called["y"].shape == (64, 1, 1)
        capsys.readouterr()
        names: dict[str, Any] = {}
        exec(code, names)
        assert -1 < float(capsys.readouterr().out) < 0
        exec(division, names)
        # One founder: every division of the path adds one cell, and none was missed.
        tissue = names["tissue"]
        assert int(tissue.alive.sum()) == 1 + int(tissue.n_numbers - 1) // 2
        assert capsys.readouterr().out.split()[2] == "0"
        exec(pictures, names)
        assert (tmp_path / "pushes.mp4").stat().st_size > 1000
    finally:
        jax.config.update("jax_enable_x64", before)
    names = {}
    exec(estimates, names)
    dgsm = names["result"].isel(time=0, observable=0)
    assert (dgsm["dgsm_low"] <= [4 / 3, 4]).all() and (dgsm["dgsm_high"] >= [4 / 3, 4]).all()
    exec(of_salib, names)
    np.testing.assert_allclose(names["result"]["sobol_total"].squeeze(), [4 / 19, 15 / 19], atol=0.03)


PAGES = [
    "README.md",
    "docs/gallery.md",
    *(f"docs/gallery/{p.name}" for p in (ROOT / "docs/gallery").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links and not [link for link in links if not _leads(ROOT / page, link)]


def _leads(page: Path, link: str) -> bool:
    """Whether the file is there, and in it the heading that the link names, if any."""
    name, _, heading = link.partition("#")
    if not (target := page.parent / name).exists():
        return False
    headings = re.findall(r"^#+ (.*)", target.read_text(), re.MULTILINE) if heading else []
    return heading in ["", *(re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings)]


def test_pictures_of_the_gallery_are_small_and_shown() -> None:
    shown = "".join((ROOT / page).read_text() for page in PAGES)
    files = [p for p in (ROOT / "docs/gallery").iterdir() if p.suffix != ".md"]
    assert files and not [p.name for p in files if p.name not in shown]
    most = {".jpg": 150_000, ".png": 150_000, ".mp4": 500_000, ".webp": 500_000}
    assert not [p.name for p in files if p.stat().st_size > most[p.suffix]]
