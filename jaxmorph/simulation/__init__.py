"""Running a model: many steps, with or without the history, cheap to differentiate."""

from .instruments import gaussian, keep, scan
from .run import Model, record, simulate

__all__ = ["Model", "gaussian", "keep", "record", "scan", "simulate"]
