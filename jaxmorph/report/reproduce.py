"""What a second user needs to make a run again: written into its report."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import xarray as xr
import yaml

from ..configuration.given import is_given
from . import requirements
from .attached import CONFIGURATION, LINK, MOST_FILES, REQUIREMENTS, clean_names, digest
from .facts import code_in_words

_LONGEST_TEXT = 1_000_000
_MEASURED = "measured "
"""Before the path of such data: a study can read the same file, as it is."""


@dataclass(frozen=True)
class Attachment:
    """A text file that a page carries."""

    name: str
    text: str
    about: str

    @property
    def link(self) -> str:
        """The file as a data URL."""
        return f"{LINK}{base64.b64encode(self.text.encode()).decode()}"

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return digest(self.text)


def attachments(
    run: str, sensitivity: xr.Dataset, optimisation: xr.Dataset | None = None
) -> list[Attachment]:
    """Configuration, study, measured data and versions of a run, as far as the datasets hold them.

    Of a study that a program gave as an object there is nothing: no configuration can name it.
    """
    attrs = sensitivity.attrs
    try:
        settings = json.loads(attrs["configuration"])
        versions = json.loads(attrs["library_versions"])
    except (KeyError, ValueError):
        return []
    if is_given(str(settings.get("study", ""))):
        return []
    held_against = {} if optimisation is None else optimisation.attrs
    measured = json.loads(held_against.get("measured_data", "{}"))
    read = json.loads(attrs.get("study_data", "{}"))
    source = str(attrs.get("study_source") or "")
    study = str(settings["study"])
    study_file = _study_file(study) if source or ".py:" in study else ""
    names = clean_names(
        {"": study_file}
        | {path: path for path in settings.get("data", ())}
        # These travel as CSV, whatever they were.
        | {_MEASURED + path: str(PurePath(path).with_suffix(".csv")) for path in measured}
    )
    found = [
        *([Attachment(names[""], source, "the study, from its author's own file")] if source else []),
        *(Attachment(names[path], text, "data that the study reads") for path, text in read.items()),
        *(
            Attachment(names[_MEASURED + path], text, "the data that the optimisation is held against")
            for path, text in measured.items()
        ),
    ]
    whole = Attachment(
        CONFIGURATION, configuration(run, settings, names), "the run as it was configured"
    )
    made = Attachment(REQUIREMENTS, pins(attrs, versions), "the versions it was made with")
    return [whole, *found[: MOST_FILES - 2], made]


def texts_of(paths: Iterable[str]) -> dict[str, str]:
    """What files hold that a page can carry: texts of a megabyte at most."""
    found = {}
    for path in map(Path, paths):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if path.stat().st_size <= _LONGEST_TEXT and "\0" not in (text := path.read_bytes().decode()):
                found[str(path)] = text
    return found


def configuration(run: str, settings: dict[str, Any], names: Mapping[str, str] | None = None) -> str:
    """A configuration file of this run alone.

    Study, files that it reads, and measured data are looked for beside it, under the ``names`` that they
    have there (default: their own); and the second user has all batches to make.
    """
    settings = copy.deepcopy(settings)
    names = names or {}
    for term in (settings.get("optimise") or {}).get("objective", ()):
        if "data" in term:
            term["data"] = names.get(_MEASURED + term["data"], PurePath(term["data"]).name)
    settings["data"] = [names.get(path, PurePath(path).name) for path in settings.get("data", ())]
    if ".py:" in str(settings.get("study")):
        file = names.get("") or _study_file(settings["study"])
        settings["study"] = f"{file}:{settings['study'].rpartition(':')[2]}"
    settings.pop("allow_partial", None)
    return yaml.safe_dump({"runs": {run: settings}}, sort_keys=False, allow_unicode=True, width=100)


def pins(attrs: dict[str, Any], versions: Mapping[str, str]) -> str:
    """A requirements file of the libraries that make and keep the numbers."""
    system = f"Python {versions.get('python', 'unknown')} on {versions.get('platform', 'unknown')}"
    return requirements.of_versions(versions, f"{code_in_words(attrs) or 'jaxmorph'}; {system}")


def commands(attrs: dict[str, Any]) -> str:
    """What to type, in a checkout of jaxmorph."""
    commit = attrs.get("git_commit", "none")
    return "\n".join(
        [
            *([f"git checkout {commit}"] if commit != "none" else []),
            "make run ARGS=--version  # installs jaxmorph into .venv",
            "source .venv/bin/activate",
            "python -m jaxmorph.report path/to/report.html again",
            "# where other versions are installed:",
            f"pip install --no-deps --require-hashes -r again/{REQUIREMENTS}",
            "cd again",
            f"snakemake --snakefile ../Snakefile --configfile {CONFIGURATION} --replace-workflow-config",
        ]
    )


def _study_file(study: str) -> str:
    """Name of the file in ``path/to/file.py:Class``, and of the module in ``module:Class``."""
    return PurePath(study.rpartition(":")[0]).with_suffix(".py").name
