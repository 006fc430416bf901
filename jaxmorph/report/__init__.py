"""The report of a run: one self-contained HTML page, made from datasets, figures and films."""

from .findings import findings_of
from .optimisation.findings import gained
from .page import write_report
from .reproduce import texts_of

__all__ = ["findings_of", "gained", "texts_of", "write_report"]
