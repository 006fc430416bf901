"""What a second user needs to make a run again: written into its report, and unpacked from it."""

from __future__ import annotations

import base64
import contextlib
import copy
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path, PurePath
from typing import Any

import xarray as xr
import yaml

from ..configuration.given import is_given
from ..errors import JaxmorphError
from ..integrity import unsealed
from .facts import code_in_words

CONFIGURATION, REQUIREMENTS = "config.yaml", "requirements.txt"
_MARK = "data-reproduce"
_LONGEST_TEXT = 1_000_000
# Of the library versions these are no packages.
_NOT_PACKAGES = ("python", "platform")


@dataclass(frozen=True)
class Attachment:
    """A text file that a page carries."""

    name: str
    text: str
    about: str

    @property
    def link(self) -> str:
        """The file as a data URL."""
        return f"data:text/plain;charset=utf-8;base64,{base64.b64encode(self.text.encode()).decode()}"


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
    names = _data_files(measured)
    found = [
        Attachment(CONFIGURATION, configuration(run, settings, names), "the run as it was configured"),
        *(
            Attachment(names[path], text, "the data that the optimisation is held against")
            for path, text in measured.items()
        ),
        Attachment(REQUIREMENTS, requirements(attrs, versions), "the versions it was made with"),
    ]
    for path, text in json.loads(attrs.get("study_data", "{}")).items():
        found.insert(1, Attachment(PurePath(path).name, text, "data that the study reads"))
    if source := attrs.get("study_source"):
        name = _study_file(settings["study"])
        found.insert(1, Attachment(name, str(source), "the study, from its author's own file"))
    return found


def texts_of(paths: Iterable[str]) -> dict[str, str]:
    """What files hold that a page can carry: texts of a megabyte at most."""
    found = {}
    for path in map(Path, paths):
        if path.stat().st_size <= _LONGEST_TEXT:
            with contextlib.suppress(UnicodeDecodeError):
                found[str(path)] = path.read_text(encoding="utf-8")
    return found


def configuration(run: str, settings: dict[str, Any], data: Mapping[str, str] | None = None) -> str:
    """A configuration file of this run alone.

    A study in a file is looked for beside it, as are files that it reads, and measured data under the
    names that ``data`` has for their paths; and the second user has all batches to make.
    """
    settings = copy.deepcopy(settings)
    for term in (settings.get("optimise") or {}).get("objective", ()):
        if "data" in term:
            term["data"] = (data or {}).get(term["data"], term["data"])
    settings["data"] = [PurePath(path).name for path in settings.get("data", ())]
    if ".py:" in str(settings.get("study")):
        settings["study"] = f"{_study_file(settings['study'])}:{settings['study'].rpartition(':')[2]}"
    settings.pop("allow_partial", None)
    return yaml.safe_dump({"runs": {run: settings}}, sort_keys=False, allow_unicode=True, width=100)


def requirements(attrs: dict[str, Any], versions: dict[str, str]) -> str:
    """A requirements file of the libraries that make and keep the numbers."""
    pins = [f"{name}=={version}" for name, version in versions.items() if name not in _NOT_PACKAGES]
    system = f"Python {versions.get('python', 'unknown')} on {versions.get('platform', 'unknown')}"
    return "\n".join([f"# {code_in_words(attrs) or 'jaxmorph'}; {system}", *pins]) + "\n"


def commands(attrs: dict[str, Any]) -> str:
    """What to type, in a checkout of jaxmorph."""
    commit = attrs.get("git_commit", "none")
    return "\n".join(
        [
            *([f"git checkout {commit}"] if commit != "none" else []),
            "make run ARGS=--version  # installs jaxmorph into .venv",
            "source .venv/bin/activate",
            "python -m jaxmorph.report path/to/report.html again",
            f"pip install -r again/{REQUIREMENTS}  # where other versions are installed",
            "cd again",
            f"snakemake --snakefile ../Snakefile --configfile {CONFIGURATION} --replace-workflow-config",
        ]
    )


def unpack(report: Path, folder: Path) -> list[Path]:
    """Write the files that a report carries into ``folder``.

    Raises:
        JaxmorphError: The report cannot be read or carries none, or a file is there already.
    """
    try:
        page = unsealed(report.read_bytes(), ".html").decode()
    except OSError as error:
        raise JaxmorphError(f"{report}: cannot be read: {error}") from error
    except ValueError as error:
        raise JaxmorphError(f"{report}: is damaged: {error}; ask for the file again") from error
    links = _Links()
    links.feed(page)
    if not links.found:
        raise JaxmorphError(f"{report}: carries no configuration; is it the report.html of a run?")
    # A page comes from somebody else: it names files, not places.
    files = {folder / PurePath(name).name: content for name, content in links.found.items()}
    if there := [path for path in files if path.exists()]:
        raise JaxmorphError(f"{there[0]}: is there already; name an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


class _Links(HTMLParser):
    """The marked download links of a page: names and contents."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, bytes] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        name, link = known.get("download"), known.get("href")
        if tag == "a" and _MARK in known and name and link:
            self.found[name] = base64.b64decode(link.partition("base64,")[2])


def _data_files(paths: Iterable[str]) -> dict[str, str]:
    """Names for the CSV files of some paths, each its own."""
    names: dict[str, str] = {}
    for path in paths:
        stem = PurePath(path).stem
        candidates = itertools.chain([f"{stem}.csv"], (f"{stem}-{i}.csv" for i in itertools.count(2)))
        names[path] = next(name for name in candidates if name not in names.values())
    return names


def _study_file(study: str) -> str:
    """Name of the file in ``path/to/file.py:Class``, and of the module in ``module:Class``."""
    return PurePath(study.rpartition(":")[0]).with_suffix(".py").name
