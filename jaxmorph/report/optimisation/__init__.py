"""The part "Optimisation" of the report: findings and tables, from an ``optimisation.nc``."""

from __future__ import annotations

from typing import Any

import xarray as xr

from . import findings, tables


def part(optimisation: xr.Dataset | None) -> dict[str, Any] | None:
    """All that the page says of an optimisation; None for a run that has none."""
    if optimisation is None:
        return None
    return {
        "lead": findings.gained(optimisation),
        "findings": findings.paragraph(optimisation),
        "stopped": findings.stopped(optimisation),
        "facts": tables.facts(optimisation),
        "terms": tables.terms(optimisation),
        "parameters": tables.parameters(optimisation),
        "optima": tables.optima(optimisation),
        "starts": tables.starts(optimisation),
    }
