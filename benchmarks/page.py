"""The figures and the page of a run with very many observables and parameters: how long, how large.

``python -m benchmarks.page`` makes a run of 40 observables and 30 parameters of an algebraic study with
noise, draws its figures one after the other, writes its page and opens it in headless Chromium.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxmorph as jxm
from jaxmorph.figures import draw, figure_names, save_figure
from jaxmorph.report import write_report

_OPENED = """() => new Promise(done => {
  const tasks = [];
  new PerformanceObserver(list => tasks.push(...list.getEntries().map(t => t.startTime + t.duration)))
    .observe({ type: "longtask", buffered: true });
  setTimeout(() => done({
    loaded: performance.getEntriesByType("navigation")[0].loadEventEnd, busy: Math.max(0, ...tasks),
  }), 1500);
})"""


def study(n_observables: int, n_parameters: int, n_times: int) -> jxm.Study:
    """Each observable follows a few of the parameters, bends with one and has noise of its own."""
    rng = np.random.default_rng(3)
    shape = n_observables, n_parameters
    strength = jnp.asarray(
        rng.normal(0, 1, shape) * (rng.random(shape) < 0.15) + rng.normal(0, 0.03, shape)
    )
    times = jnp.linspace(1.0, 10.0, n_times) if n_times > 1 else jnp.array([10.0])
    parameters = [f"coupling_strength_{i + 1}" for i in range(n_parameters)]
    observables = [f"marker_expression_{i + 1}" for i in range(n_observables)]

    def markers(point: dict[str, Any], key: Any) -> dict[str, Any]:
        x = jnp.stack([point[name] for name in parameters])
        found = 5.0 + strength @ x + 0.5 * (strength @ x) ** 2 * x[0]
        loud = 0.3 * jax.random.normal(key, found.shape) * (1 + x[1])
        course = 1 - jnp.exp(-times / 4)
        values = (found + loud)[:, None] * course
        return dict(zip(observables, values, strict=True))

    ranges = {name: jxm.distributions.Uniform(low=0.5, high=1.5) for name in parameters}
    return jxm.study(markers, parameters=ranges, observables=observables, time=times, time_unit="h")


def opened(page: Path) -> dict[str, float]:
    """Milliseconds after which a page is loaded, and after which its last long task has ended."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(page.as_uri())
        measured: dict[str, float] = tab.evaluate(_OPENED)
        browser.close()
    return measured


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.page", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--observables", type=int, default=40)
    parser.add_argument("--parameters", type=int, default=30)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="where the run is kept; if it is there, it is taken")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as aside:
        measure(asked, asked.folder or Path(aside) / "large")


def measure(asked: argparse.Namespace, folder: Path) -> None:
    """Make the run, its figures and its page, and print a line of each."""
    start = time.perf_counter()

    def say(what: str, more: str = "") -> None:
        nonlocal start
        now = time.perf_counter()
        print(f"{now - start:7.1f} s  {what}{more}", flush=True)
        start = time.perf_counter()

    if (folder / "run.json").is_file():
        run = jxm.open(folder)
    else:
        run = jxm.analyse(
            study(asked.observables, asked.parameters, asked.times),
            design={"method": "sobol", "samples": asked.samples}, seeds=asked.seeds, folder=folder,
            progress=False,
        )  # fmt: skip
    say(f"the run: {asked.observables} observables, {asked.parameters} parameters, {asked.times} times")
    data, checks = run.dataset, run.checks
    begun = time.perf_counter()
    for name in figure_names("sobol", asked.parameters, checks is not None):
        figure, table = draw(name, data, checks)
        paths = save_figure(figure, table, folder / "figures" / name)
        say(name, "".join(f", {path.suffix} {path.stat().st_size / 1e3:.0f} kB" for path in paths))
    print(f"{time.perf_counter() - begun:7.1f} s  all figures")
    start = time.perf_counter()
    page = folder / "report.html"
    write_report(page, run.name, data, folder / "figures", checks=checks)
    say("the page", f", {page.stat().st_size / 1e6:.2f} MB")
    found = opened(page)
    print(
        f"loaded after {found['loaded']:.0f} ms, the last long task ended after {found['busy']:.0f} ms"
    )


if __name__ == "__main__":
    main()
