"""What a simulation draws, keeps and buffers while it is traced: the door between engine and physics.

A simulation calls the functions of this room; whoever traces it says, by contexts, how it is to be
followed, whether it may use buffers, and which operations there are for it.
"""

from .batches import BATCH_RULES, BatchRule, batched_on, evaluated_by, platform
from .buffers import (
    Buffers,
    buffer_need,
    buffer_size,
    buffered,
    expected_size,
    is_measured,
    may_buffer,
)
from .contexts import TraceContext
from .derivatives import by_gradient, differentiated_as, discount_gradient
from .draws import bernoulli, categorical, gaussian, surrogate
from .instruments import ChoicesNoticed, Followed, Instrument, active, using
from .log_density import LogDensity
from .loops import keep, recompute, scan
from .spoiled import is_watched, spoiled, tell, watching
from .tangent_growth import TangentGrowth
from .tangents import has_many_tangents, many_tangents

__all__ = [
    "BATCH_RULES",
    "BatchRule",
    "Buffers",
    "ChoicesNoticed",
    "Followed",
    "Instrument",
    "LogDensity",
    "TangentGrowth",
    "TraceContext",
    "active",
    "batched_on",
    "bernoulli",
    "buffer_need",
    "buffer_size",
    "buffered",
    "by_gradient",
    "categorical",
    "differentiated_as",
    "discount_gradient",
    "evaluated_by",
    "expected_size",
    "gaussian",
    "has_many_tangents",
    "is_measured",
    "is_watched",
    "keep",
    "many_tangents",
    "may_buffer",
    "platform",
    "recompute",
    "scan",
    "spoiled",
    "surrogate",
    "tell",
    "using",
    "watching",
]
