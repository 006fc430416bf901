"""The configuration: what a run is, read from YAML and checked when the workflow is parsed.

Nothing here imports JAX, numpy or scipy.
"""

from .batches import Batch, BatchSize
from .cost import Cost, read_cost, write_cost
from .cutting import SettledCut, cut_by_cost, read_cut, write_cut
from .feasible import check_cost
from .gradient_estimators import (
    GRADIENT_ESTIMATORS,
    GradientDeclaration,
    bias_attributes,
)
from .load import (
    check_syntax,
    load_configuration,
    read_configuration,
)
from .models import BUILT_IN_STUDIES, Configuration, Run
from .sections import (
    Checks,
    Estimates,
    Estimator,
    GradientSetting,
    Trajectories,
)

__all__ = [
    "BUILT_IN_STUDIES",
    "GRADIENT_ESTIMATORS",
    "Batch",
    "BatchSize",
    "Checks",
    "Configuration",
    "Cost",
    "Estimates",
    "Estimator",
    "GradientDeclaration",
    "GradientSetting",
    "Run",
    "SettledCut",
    "Trajectories",
    "bias_attributes",
    "check_cost",
    "check_syntax",
    "cut_by_cost",
    "load_configuration",
    "read_configuration",
    "read_cost",
    "read_cut",
    "write_cost",
    "write_cut",
]
