"""What a changed design or batch setting costs: said when the workflow is parsed, before any job."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..designs import GridDesign, ListDesign, moved_together, shortest_design
from ..integrity import read_json
from .models import Run

_SIZES = ("samples", "points")
"""The settings that say how many samples a design has, of those designs that cannot be extended."""


def read_record(path: Path) -> Run | None:
    """The run that ``results/<run>/design.json`` records; None if there is none that can be read."""
    try:
        return Run.model_validate(read_json(path))
    except (OSError, ValueError, RecursionError):
        return None  # of another version, perhaps: it only serves to warn


def notice(run_name: str, old: Run, new: Run, finished: Collection[str]) -> str | None:
    """One line on the finished batches that are computed again: their points move, or other batches do.

    None if a design only grows or shrinks without moving points, if its points are listed one by one,
    or if nothing is lost.

    Args:
        run_name: Name of the run.
        old: The run as the design on disk was made.
        new: The run as it is configured now.
        finished: Names of the batches that are on disk.
    """
    done = {name: batch for name, batch in old.batches.items() if name in finished}
    both = min(old.n_samples, new.n_samples)
    together_old, together_new = (
        moved_together(r.design, list(r.parameters), r.groups.values()) for r in (old, new)
    )
    first_old, first_new = (
        shortest_design(r.design, list(r.parameters), both, r.groups.values()) for r in (old, new)
    )
    listed = isinstance(old.design, ListDesign) and isinstance(new.design, ListDesign)
    if (first_old != first_new or together_old != together_new) and not listed:
        lost = {name: batch for name, batch in done.items() if name in new.batches}
        reason, advice = _reason(old, new)
    elif new.batch not in (old.batch, "auto"):  # how a run is cut that is auto is settled later
        lost = {
            name: batch
            for name, batch in done.items()
            if batch.samples.start < new.n_samples
            and batch.seeds.start < new.n_seeds
            and new.batches.get(name) != batch
        }
        reason, advice = "another batch setting cuts other batches", "; the old setting keeps them"
    else:
        return None
    if not lost:
        return None
    share = f"all {len(done)}" if len(lost) == len(done) else f"{len(lost)} of {len(done)}"
    simulations = sum(len(batch.samples) * len(batch.seeds) for batch in lost.values())
    return (
        f"run {run_name}: {reason}, and {share} finished batches ({simulations} simulations) are "
        f"computed again{advice}"
    )


def _reason(old: Run, new: Run) -> tuple[str, str]:
    """Why points move, and what would have avoided it."""
    method = new.design.method
    if old.design.method != method:
        return f"a {method} design has other points than the {old.design.method} design before", ""
    if old.design == new.design:
        return f"a {method} design with other groups has other points", ""
    before, after = (run.design.model_dump() for run in (old, new))
    changed = [key for key in after if before[key] != after[key]]
    if len(changed) == 1 and changed[0] in _SIZES:
        way = "shortened" if new.n_samples < old.n_samples else "extended"
        return (
            f"a {method} design cannot be {way}: {_size(new)} {changed[0]} instead of {_size(old)} move "
            "its points"
        ), "; sobol, saltelli and morris designs keep theirs"
    settings = " and ".join(f"{key} {after[key]} instead of {before[key]}" for key in changed)
    return f"a {method} design with {settings} has other points", ""


def _size(run: Run) -> str:
    match run.design:
        case GridDesign() as grid:
            return " x ".join(map(str, grid.shape(list(run.parameters))))
        case design:
            return str(next(getattr(design, key) for key in _SIZES if hasattr(design, key)))
