"""How many points a design has, and which of them belong together."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .groups import parts
from .settings import Design, FastDesign, GridDesign, Groups, ListDesign, MorrisDesign, OneAtATimeDesign


def count_samples(design: Design, parameters: Sequence[str], groups: Groups = ()) -> int:
    """Number of samples of ``design`` over ``parameters``, of which ``groups`` may move together."""
    match design:
        case GridDesign():
            return math.prod(design.shape(parameters))
        case ListDesign():
            return len(design.points)
        case OneAtATimeDesign():
            return 1 + design.points * len(parameters)
        case MorrisDesign():
            return design.trajectories * design.points_of_unit(_n_parts(design, parameters, groups))
        case _:
            return design.samples * design.points_of_unit(_n_parts(design, parameters, groups))


def unit_size(design: Design, parameters: Sequence[str], groups: Groups = ()) -> int:
    """Number of consecutive samples that belong together: an estimate needs all of them.

    D + 2 (or 2 D + 2) for a base sample of a Saltelli design over D parameters, D + 1 for a trajectory
    of a Morris design, otherwise 1; parameters that move together count as one.
    """
    if isinstance(design, FastDesign):
        return 1
    return design.points_of_unit(_n_parts(design, parameters, groups))


def _n_parts(design: Design, parameters: Sequence[str], groups: Groups) -> int:
    return len(parts(parameters, groups)) if design.moves_groups else len(parameters)
