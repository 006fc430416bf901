"""Distributions of parameters: one pydantic model each, a file a family.

A distribution knows its bounds, its quantile function (``ppf``), its centre, and what follows from its
density on its natural scale. It knows nothing of studies, designs or files. Importing it imports neither
JAX nor numpy nor scipy: the workflow validates a configuration each time it is parsed.
"""

from typing import Annotated, get_args

from pydantic import Field

from .base import AT_BOUND as AT_BOUND
from .beta import Beta as Beta
from .discrete import Categorical as Categorical
from .discrete import Discrete as Discrete
from .discrete import Finite as Finite
from .foreign import as_distribution as as_distribution
from .foreign import is_foreign as is_foreign
from .gamma import Gamma as Gamma
from .normal import LogNormal as LogNormal
from .normal import Normal as Normal
from .normal import TruncatedNormal as TruncatedNormal
from .triangular import LogTriangular as LogTriangular
from .triangular import Triangular as Triangular
from .uniform import LogUniform as LogUniform
from .uniform import Uniform as Uniform

Distribution = Annotated[
    Uniform
    | LogUniform
    | Normal
    | LogNormal
    | TruncatedNormal
    | Triangular
    | LogTriangular
    | Beta
    | Gamma
    | Discrete
    | Categorical,
    Field(discriminator="distribution"),
]
"""Any of them; the key ``distribution`` says which."""

DISCRETE = frozenset(
    kind.model_fields["distribution"].default
    for kind in get_args(get_args(Distribution)[0])
    if kind.is_discrete
)
"""What those are called that have a few values alone."""
