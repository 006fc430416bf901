"""Scalar functions of a state of cells. Dead slots do not count; 2-D and 3-D alike.

Each says whether it is differentiable. Positions are taken as they are: in periodic space, centroids
need a cluster smaller than half the box.
"""

from .counts import contact_number, lineage_depth, mixing_index, n_cells, type_fraction
from .geometry import (
    centroid,
    covered_fraction,
    mean_distance_to_centroid,
    mean_nearest_neighbour_distance,
    mean_radius,
    radius_of_gyration,
    total_energy,
)
from .moments import chemical_moment, decay_length, radial_order, radius_moment
from .shape import anisotropy, gyration_tensor, radial_density, roundness

__all__ = [
    "anisotropy",
    "centroid",
    "chemical_moment",
    "contact_number",
    "covered_fraction",
    "decay_length",
    "gyration_tensor",
    "lineage_depth",
    "mean_distance_to_centroid",
    "mean_nearest_neighbour_distance",
    "mean_radius",
    "mixing_index",
    "n_cells",
    "radial_density",
    "radial_order",
    "radius_moment",
    "radius_of_gyration",
    "roundness",
    "total_energy",
    "type_fraction",
]
