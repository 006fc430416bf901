"""The report of a run: one self-contained HTML page, made from datasets, figures and films."""

from .page import write_report

__all__ = ["write_report"]
