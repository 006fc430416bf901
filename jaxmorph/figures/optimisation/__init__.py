"""Figures of an optimisation, each drawn from an ``optimisation.nc`` alone."""
