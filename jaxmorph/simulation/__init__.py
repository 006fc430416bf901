"""Running a model: many steps, with or without the history, cheap to differentiate."""

from ..tracing import bernoulli, categorical, gaussian, keep, scan, surrogate
from .run import Model, record, simulate

__all__ = [
    "Model",
    "bernoulli",
    "categorical",
    "gaussian",
    "keep",
    "record",
    "scan",
    "simulate",
    "surrogate",
]
