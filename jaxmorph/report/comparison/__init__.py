"""The page of several runs: what differs between them, made from a comparison alone."""

from .findings import findings_of_comparison
from .page import write_comparison

__all__ = ["findings_of_comparison", "write_comparison"]
