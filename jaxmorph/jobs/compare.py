"""The jobs of a comparison: the differences between runs, and the page that shows them."""

import functools
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from .. import report, sensitivity, store
from ..configuration import Run
from ..configuration.identity import Identity
from ..configuration.specify import Specifications
from ..figures.estimates import unreliable, unsuited
from .analyse import question_of

logger = logging.getLogger("jaxmorph")

_ABOUT = (
    *("configuration", "study", "study_source", "stochastic", "estimator", "gradient_bias"),
    *("code_version", "git_commit", "git_dirty", "library_versions", "device", "batch_device"),
)
"""What is kept of the attributes of each run."""


@dataclass(frozen=True)
class Compared:
    """A run that is compared.

    Attributes:
        name: Of the run.
        specs: What its files must have been made of, as it is cut into batches.
        folder: Where its files are.
    """

    name: str
    specs: Specifications
    folder: Path

    @property
    def run(self) -> Run:
        """What was asked for."""
        return self.specs.run

    @functools.cached_property
    def points(self) -> xr.Dataset:
        """Its design."""
        return store.read_dataset(self.folder / "design.nc", "design", self.specs.of_design)

    @functools.cached_property
    def estimates(self) -> xr.Dataset:
        """Its estimates that are compared, and which of them say nothing."""
        file, made_of = self.folder / "sensitivity.nc", self.specs.of_estimates
        with store.open_dataset(file, "sensitivity", made_of) as data:
            kept = sensitivity.compared(data).load()
            kept["elasticity_unsuited"] = unsuited(data).reset_coords(drop=True)
            flags = unreliable(data)
            if flags is not None:
                kept["gradient_flagged"] = flags.reset_coords(drop=True)
            kept.attrs = {name: data.attrs[name] for name in _ABOUT if name in data.attrs}
            kept.attrs["samples"] = data.sizes["sample"]
            kept.attrs["seeds"] = data.sizes.get("seed", 1)
            return kept

    @property
    def batches(self) -> dict[str, str]:
        """Its batches that are there, by name."""
        files = {name: self.folder / "batches" / f"{name}.nc" for name in self.run.batches}
        return {name: str(path) for name, path in files.items() if path.is_file()}


def compare_runs(name: str, runs: Sequence[Compared], output: str | Path) -> None:
    """Write the differences of each other run from the first.

    Args:
        name: Of the comparison.
        runs: The first one first.
        output: The file.

    Raises:
        JaxmorphError: A file is missing, or two runs share nothing.
    """
    made = differences_of(runs)
    made_of = identity_of([(one.name, one.specs) for one in runs])
    asked = {one.name: one.specs.estimates.plain() for one in runs}
    made.attrs |= {**store.provenance(name, asked), **made_of.attributes()}
    store.write_dataset(made, output, "comparison")


def differences_of(runs: Sequence[Compared]) -> xr.Dataset:
    """The estimates of some runs, and the differences of each other run from the first.

    Raises:
        JaxmorphError: A file is missing, or two runs share nothing.
    """
    first, *others = runs
    pairs, told = {}, {}
    for other in others:
        shared = sensitivity.Shared.of((first.name, other.name), first.estimates, other.estimates)
        reason = _not_twins(first, other)
        paired = None if reason else _paired(first, other, shared)
        found = sensitivity.differences(first.estimates, other.estimates, shared, paired)
        pairs[other.name] = shared, found
        told[other.name] = {"not_paired": reason, "left_out": list(shared.left_out)}
        logger.info("%s and %s: %s", first.name, other.name, reason or "simulation by simulation")
    made = sensitivity.comparison({one.name: one.estimates for one in runs}, pairs)
    about = {one.name: one.estimates.attrs for one in runs}
    made.attrs = {"about": json.dumps(about, default=str), "pairs": json.dumps(told)}
    return made


def identity_of(runs: Sequence[tuple[str, Specifications]]) -> Identity:
    """By which the file of a comparison of some runs is known."""
    of_each = {name: specs.of_estimates.plain for name, specs in runs}
    code = {
        key: " ".join(str(plain[key]) for plain in of_each.values()) for key in ("code", "estimators")
    }
    return Identity(
        {name: specs.estimates.plain() for name, specs in runs}
        | code
        | {
            "data_digests": {name: plain["data_digests"] for name, plain in of_each.items()},
        }
    )


def write_comparison(
    name: str, comparison: str | Path, output: str | Path, made_of: Identity | None = None
) -> None:
    """Write the page of a comparison, whose file must be ``made_of`` this; None: whatever it was."""
    report.write_comparison(output, name, store.read_dataset(comparison, "comparison", made_of))


def _not_twins(first: Compared, other: Compared) -> str:
    """Why simulations of the two have no twins in the other; empty if they have."""
    one, two = first.run, other.run
    if one.key != two.key and any(_has_noise(run) for run in (first, other)):
        return f"their random keys differ: {one.key} and {two.key}"
    if one.n_seeds != two.n_seeds:
        return f"their numbers of seeds differ: {one.n_seeds} and {two.n_seeds}"
    shapes = [run.points["unit_value"].shape for run in (first, other)]
    if one.design.method != two.design.method or shapes[0] != shapes[1]:
        return "their designs differ"
    if not np.array_equal(first.points["unit_value"].values, other.points["unit_value"].values):
        return "the points of their designs differ"
    for run in (first, other):
        if missing := len(run.run.batches) - len(run.batches):
            return f"{missing} of {len(run.run.batches)} batches of {run.name} are not there"
    return ""


def _has_noise(run: Compared) -> bool:
    return bool(int(run.points.attrs["stochastic"]))


def _paired(first: Compared, other: Compared, shared: sensitivity.Shared) -> xr.Dataset:
    """Differences between simulations that share point, seed and key, one slab in memory at a time."""
    both = (first, other)
    averages = [
        shared.part(side, run.estimates[["value_average"]])["value_average"]
        for side, run in enumerate(both)
    ]
    pairs = sensitivity.PairedDifferences(
        (first.points, other.points),
        (question_of(first.run, first.points), question_of(other.run, other.points)),
        shared,
        (averages[0], averages[1]),
    )
    slabs = [store.Slabs(run.specs, run.points, run.batches) for run in both]
    for one, two in store.side_by_side(*slabs):
        pairs.add(
            sensitivity.with_summaries(one, first.run.summaries),
            sensitivity.with_summaries(two, other.run.summaries),
        )
    return pairs.finish()
