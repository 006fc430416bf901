"""Where a dataset came from."""

import datetime
import functools
import importlib.metadata
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from .. import __version__

_LIBRARIES = (
    "jax",
    "jaxlib",
    "equinox",
    "jax-md",
    "numpy",
    "scipy",
    "SALib",
    "xarray",
    "netCDF4",
    "snakemake",
)


def provenance(run: str, configuration: dict[str, Any]) -> dict[str, Any]:
    """Global attributes of every file of ``run``: configuration, versions and time."""
    return {
        "run": run,
        "configuration": json.dumps(configuration),
        "code_version": _code_version(),
        "library_versions": json.dumps(_library_versions()),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


@functools.cache
def _code_version() -> str:
    """The package's version and, in a checkout, the commit (``-dirty`` with uncommitted changes)."""
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__} ({commit})"


@functools.cache
def _library_versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "platform": sys.platform}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
