"""A run of one point, as text that a configuration takes: the run of the page with another design."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import xarray as xr
import yaml

from ..configuration.given import is_given

_POINT = "@point@"
_OF_THE_WHOLE_RUN = ("optimise", "allow_partial", "batch", "groups")
"""Keys that mean nothing for one point, or are for the size of the run."""


def entry(run: str, sensitivity: xr.Dataset, parameters: Sequence[str]) -> dict[str, Any] | None:
    """The text before and after the point, and the keys of the point in its order.

    None if no configuration can name the study, or the page does not know the configuration.
    """
    try:
        settings = json.loads(sensitivity.attrs["configuration"])
    except (KeyError, ValueError):
        return None
    if is_given(str(settings.get("study", ""))):
        return None
    settings = {key: value for key, value in settings.items() if key not in _OF_THE_WHOLE_RUN}
    settings["design"] = {"method": "list", "points": [_POINT]}
    if settings.get("trajectories", {}).get("samples"):
        settings["trajectories"] = settings["trajectories"] | {"samples": [0]}
    text = yaml.safe_dump(
        {"runs": {f"{run}-point": settings}}, sort_keys=False, allow_unicode=True, width=100
    )
    before, after = text.split(f"'{_POINT}'")
    return {"name": f"{run}-point", "before": before, "after": after, "keys": [*map(_key, parameters)]}


def _key(name: str) -> str:
    """A name as a key of a mapping; what YAML could take for something else is quoted."""
    return name if name.isidentifier() and yaml.safe_load(name) == name else json.dumps(name)
