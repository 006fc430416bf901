"""Which files of a folder of the workflow are as they were written, and what is made again, and why."""

from .again import Made, told
from .damaged import damaged_files, files_of, in_words, is_no_run
from .finished import Finished
from .records import SnakemakeRecords

__all__ = [
    "Finished",
    "Made",
    "SnakemakeRecords",
    "damaged_files",
    "files_of",
    "in_words",
    "is_no_run",
    "told",
]
