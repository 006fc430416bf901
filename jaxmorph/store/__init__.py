"""The files of a run: their schema, atomic writing, checked reading, provenance."""

from .build import (
    batch_dataset,
    checks_dataset,
    corners_dataset,
    design_dataset,
    with_trajectories,
)
from .files import open_dataset, read_dataset, read_json, remedy, write_dataset, write_json
from .pieces import SavedPieces
from .provenance import provenance
from .stream import streamed

__all__ = [
    "SavedPieces",
    "batch_dataset",
    "checks_dataset",
    "corners_dataset",
    "design_dataset",
    "open_dataset",
    "provenance",
    "read_dataset",
    "read_json",
    "remedy",
    "streamed",
    "with_trajectories",
    "write_dataset",
    "write_json",
]
