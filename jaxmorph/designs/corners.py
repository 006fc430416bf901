"""The corners of parameter space: some parameters at the ends of their distributions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..distributions import Distribution

if TYPE_CHECKING:
    import numpy as np


def corner_points(
    distributions: Mapping[str, Distribution], corners: Sequence[str]
) -> tuple[np.ndarray, list[str]]:
    """All combinations of low and high ends of the parameters ``corners``, all others at their medians.

    The ends of a distribution that has none are at 5 and 95 %.

    Args:
        distributions: The distribution of each parameter.
        corners: Names of the parameters that are at their ends; the first is slowest.

    Returns:
        The points, shape (corner, parameter), and the name of each: ``epsilon low, alpha high``; of a
        categorical parameter that of its first or last level.
    """
    import numpy as np

    names = list(distributions)
    points = np.tile([d.centre for d in distributions.values()], (2 ** len(corners), 1))
    columns = [names.index(name) for name in corners]
    points[:, columns] = list(itertools.product(*(distributions[name].ends for name in corners)))
    labels = [
        ", ".join(f"{name} {end}" for name, end in zip(corners, corner, strict=True))
        for corner in itertools.product(*(distributions[name].end_names for name in corners))
    ]
    return points, labels
