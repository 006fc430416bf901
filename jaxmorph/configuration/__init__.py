"""The configuration: what a run is, read from YAML and checked when the workflow is parsed.

Nothing here imports JAX, numpy or scipy.
"""

from jaxmorph.configuration.load import (
    check_syntax,
    load_configuration,
    read_configuration,
)
from jaxmorph.configuration.models import (
    BUILT_IN_STUDIES,
    Batch,
    BatchSize,
    Checks,
    Configuration,
    GradientMode,
    Run,
    Trajectories,
)

__all__ = [
    "BUILT_IN_STUDIES",
    "Batch",
    "BatchSize",
    "Checks",
    "Configuration",
    "GradientMode",
    "Run",
    "Trajectories",
    "check_syntax",
    "load_configuration",
    "read_configuration",
]
