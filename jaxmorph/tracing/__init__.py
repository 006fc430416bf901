"""What a simulation draws, keeps and buffers while it is traced: the door between engine and physics.

A simulation calls the functions of this room; whoever traces it says, by contexts, how it is to be
followed, whether it may use buffers, and which operations there are for it.
"""

from .buffers import Buffers, buffer_need, buffer_size, buffered, is_measured, may_buffer
from .contexts import TraceContext
from .derivatives import by_gradient, differentiated_as, discount_gradient
from .draws import bernoulli, categorical, gaussian, surrogate
from .instruments import ChoicesNoticed, Followed, Instrument, active, using
from .log_density import LogDensity
from .loops import keep, recompute, scan
from .pair_laws import (
    CanFuse,
    Force,
    PairForm,
    PairLaw,
    Reach,
    fused_pairs,
    has_many_tangents,
    is_fused,
    many_tangents,
    may_fuse,
)
from .tangent_growth import TangentGrowth

__all__ = [
    "Buffers",
    "CanFuse",
    "ChoicesNoticed",
    "Followed",
    "Force",
    "Instrument",
    "LogDensity",
    "PairForm",
    "PairLaw",
    "Reach",
    "TangentGrowth",
    "TraceContext",
    "active",
    "bernoulli",
    "buffer_need",
    "buffer_size",
    "buffered",
    "by_gradient",
    "categorical",
    "differentiated_as",
    "discount_gradient",
    "fused_pairs",
    "gaussian",
    "has_many_tangents",
    "is_fused",
    "is_measured",
    "keep",
    "many_tangents",
    "may_buffer",
    "may_fuse",
    "recompute",
    "scan",
    "surrogate",
    "using",
]
