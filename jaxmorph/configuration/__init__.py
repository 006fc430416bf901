"""The configuration: what a run is, read from YAML and checked when the workflow is parsed.

Nothing here imports JAX, numpy or scipy.
"""

from .batches import Batch, BatchSize
from .load import (
    check_syntax,
    load_configuration,
    read_configuration,
)
from .models import BUILT_IN_STUDIES, Configuration, Run
from .sections import (
    BIASED,
    Checks,
    Estimates,
    Estimator,
    GradientSetting,
    Trajectories,
    bias_attributes,
)

__all__ = [
    "BIASED",
    "BUILT_IN_STUDIES",
    "Batch",
    "BatchSize",
    "Checks",
    "Configuration",
    "Estimates",
    "Estimator",
    "GradientSetting",
    "Run",
    "Trajectories",
    "bias_attributes",
    "check_syntax",
    "load_configuration",
    "read_configuration",
]
