"""Running a model: many steps, with or without the history, cheap to differentiate."""

from .instruments import gaussian, scan
from .run import Model, record, simulate

__all__ = ["Model", "gaussian", "record", "scan", "simulate"]
