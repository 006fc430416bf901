"""The report of a run: one self-contained HTML page, made from datasets, figures and films."""

from .comparison import findings_of_comparison, write_comparison
from .findings import findings_of
from .optimisation.findings import gained
from .page import write_report
from .reproduce import texts_of

__all__ = [
    "findings_of",
    "findings_of_comparison",
    "gained",
    "texts_of",
    "write_comparison",
    "write_report",
]
