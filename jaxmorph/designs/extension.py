"""Which designs can grow without moving the points that are there."""

from __future__ import annotations

from collections.abc import Sequence

from .settings import (
    FEWEST_OF_EACH,
    Design,
    GridDesign,
    Groups,
    ListDesign,
    MorrisDesign,
    SaltelliDesign,
    SobolDesign,
)
from .sizes import unit_size


def shortest_design(design: Design, parameters: Sequence[str], stop: int, groups: Groups = ()) -> Design:
    """The shortest design over ``parameters`` whose first ``stop`` samples are those of ``design``.

    It stays the same when a Sobol, Saltelli, Morris or list design grows. Every other design is its
    own shortest; a grid's has its number of points for each parameter.
    """
    units = -(-stop // unit_size(design, parameters, groups))
    match design:
        case SobolDesign() | SaltelliDesign():
            least = 2 if design.replicates == 1 else FEWEST_OF_EACH * design.replicates
            enough = max(least, 1 << (units - 1).bit_length())
            return design.model_copy(update={"samples": enough})
        case MorrisDesign():
            return design.model_copy(update={"trajectories": max(2, units)})
        case ListDesign():
            return design.model_copy(update={"points": design.points[:stop]})
        case GridDesign():
            points = dict(zip(parameters, design.shape(parameters), strict=True))
            return GridDesign(points=points)
        case _:
            return design
