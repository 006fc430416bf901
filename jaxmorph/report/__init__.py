"""The report of a run: one self-contained HTML page, made from datasets, figures and films."""

from .page import write_report
from .reproduce import texts_of

__all__ = ["texts_of", "write_report"]
