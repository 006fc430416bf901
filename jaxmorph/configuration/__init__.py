"""The configuration: what a run is, read from YAML and checked when the workflow is parsed.

Nothing here imports JAX, numpy or scipy.
"""

from jaxmorph.configuration.batches import Batch, BatchSize
from jaxmorph.configuration.gradient_estimators import (
    GRADIENT_ESTIMATORS,
    GradientDeclaration,
    bias_attributes,
)
from jaxmorph.configuration.load import (
    check_syntax,
    load_configuration,
    read_configuration,
)
from jaxmorph.configuration.models import BUILT_IN_STUDIES, Configuration, Run
from jaxmorph.configuration.sections import (
    Checks,
    Estimates,
    Estimator,
    GradientMode,
    Trajectories,
)

__all__ = [
    "BUILT_IN_STUDIES",
    "GRADIENT_ESTIMATORS",
    "Batch",
    "BatchSize",
    "Checks",
    "Configuration",
    "Estimates",
    "Estimator",
    "GradientDeclaration",
    "GradientMode",
    "Run",
    "Trajectories",
    "bias_attributes",
    "check_syntax",
    "load_configuration",
    "read_configuration",
]
