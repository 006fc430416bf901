"""The files of a run: their schema, atomic writing, checked reading, provenance."""

from .build import (
    NOISE_TERMS,
    batch_dataset,
    checks_dataset,
    clashes,
    corners_dataset,
    design_dataset,
    with_trajectories,
)
from .files import (
    hold_to,
    is_made,
    lazy_dataset,
    open_dataset,
    read_attributes,
    read_dataset,
    read_given,
    read_json,
    read_samples,
    remedy,
    write_dataset,
    write_json,
)
from .lines import LINES, with_lines
from .one_answer import with_one_answer
from .optimisation import optimisation_cells_dataset, optimisation_dataset, starts_dataset
from .pieces import SavedPieces
from .provenance import NO_COMMIT, Summary, code, design_hash, provenance
from .records import MADE_OF, ObjectiveRecord, ParameterRecord, StudyRecord, read_record, write_record
from .slabs import Slabs
from .stream import streamed
from .twins import side_by_side

__all__ = [
    "LINES",
    "MADE_OF",
    "NOISE_TERMS",
    "NO_COMMIT",
    "ObjectiveRecord",
    "ParameterRecord",
    "SavedPieces",
    "Slabs",
    "StudyRecord",
    "Summary",
    "batch_dataset",
    "checks_dataset",
    "clashes",
    "code",
    "corners_dataset",
    "design_dataset",
    "design_hash",
    "hold_to",
    "is_made",
    "lazy_dataset",
    "open_dataset",
    "optimisation_cells_dataset",
    "optimisation_dataset",
    "provenance",
    "read_attributes",
    "read_dataset",
    "read_given",
    "read_json",
    "read_record",
    "read_samples",
    "remedy",
    "side_by_side",
    "starts_dataset",
    "streamed",
    "with_lines",
    "with_one_answer",
    "with_trajectories",
    "write_dataset",
    "write_json",
    "write_record",
]
