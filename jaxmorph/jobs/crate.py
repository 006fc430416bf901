"""A finished run as a research object: an RO-Crate that other programs know how to read.

Profiles: Process Run Crate 0.5 and Workflow Run Crate 0.5 (Leo et al., PLoS ONE 19 (2024) e0309210),
Workflow RO-Crate 1.0.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__, integrity, store
from ..atomic import written_aside
from ..errors import JaxmorphError
from ..report.unpacking import unpack

if TYPE_CHECKING:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

logger = logging.getLogger(__name__)

_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
_FORMATS = {
    ".csv": "text/csv",
    ".gif": "image/gif",
    ".html": "text/html",
    ".json": "application/json",
    ".mp4": "video/mp4",
    ".nc": "application/netcdf",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".rst": "text/x-rst",
    ".smk": "text/plain",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}
_NEEDED = ("report.html", "provenance.json", "sensitivity.nc", "design.nc")


def write_crate(folder: Path, snakefile: Path, output: Path) -> None:
    """Write the crate of a run: all of its files, what makes them again, and what was done.

    Args:
        folder: Of the finished run.
        snakefile: The workflow's; the folder around it goes with it.
        output: A ``.zip``.

    Raises:
        JaxmorphError: A file of the run is missing or damaged.
    """
    from rocrate.rocrate import ROCrate

    for name in _NEEDED:
        if not (folder / name).is_file():
            raise JaxmorphError(f"{folder}: has no {name}; name the folder of a run that has finished")
    account = store.read_json(folder / "provenance.json")
    crate = ROCrate(version="1.1")  # that of the profiles
    crate.name = f"jaxmorph: run {account['run']} of the study {account['study']}"
    crate.description = account["methods"]
    # Whoever hands it on says under what terms; until then these are.
    crate.license = "all rights reserved"
    totals = account["totals"]
    crate.datePublished = totals["end"]
    with tempfile.TemporaryDirectory(prefix="jaxmorph-") as scratch:
        workflow = _workflow(crate, snakefile, account["libraries"])
        taken = _inputs(crate, folder / "report.html", Path(scratch))
        left = _results(crate, folder)
        crate.root_dataset["conformsTo"] = [_profile(crate, url) for url in _PROFILES]
        took, gave = _parameter(crate, "configuration"), _parameter(crate, "report")
        workflow["input"], workflow["output"] = took, gave
        for file, parameter in ((taken["config.yaml"], took), (left["report.html"], gave)):
            file["exampleOfWork"] = parameter
        action = crate.add_action(
            workflow,
            object=list(taken.values()),
            result=list(left.values()),
            properties={
                "name": f"run {account['run']}",
                "description": f"{totals['simulations']} simulations, and estimates from them",
                "startTime": totals["start"],
                "endTime": totals["end"],
            },
        )
        crate.root_dataset["mentions"] = action
        with written_aside(output) as unfinished:
            crate.write_zip(unfinished)
    logger.info("%d files", len(left) + len(taken))


def _workflow(crate: ROCrate, snakefile: Path, libraries: dict[str, str]) -> ContextEntity:
    """The Snakefile with all that it includes."""
    around = snakefile.parent
    inside = around if (around / "rules").is_dir() else around / "workflow"
    for path in sorted(inside.rglob("*")):
        if path.is_file() and path.name != "Snakefile" and "__pycache__" not in path.parts:
            _add(crate, path, Path("workflow") / path.relative_to(inside))
    workflow: ContextEntity = crate.add_workflow(
        inside / "Snakefile",
        "workflow/Snakefile",
        main=True,
        lang="snakemake",
        lang_version=libraries.get("snakemake"),
        properties={
            "name": "jaxmorph: from a configuration to sensitivity reports",
            "version": __version__,
            "encodingFormat": "text/plain",
            "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
        },
    )
    return workflow


def _inputs(crate: ROCrate, report: Path, scratch: Path) -> dict[str, Any]:
    """What a report carries, from which the run is made again, by name."""
    place = scratch / "reproduce"
    unpack(report, place)
    return {
        str(path.relative_to(place)): _add(crate, path, Path("reproduce") / path.relative_to(place))
        for path in _files(place)
    }


def _results(crate: ROCrate, folder: Path) -> dict[str, Any]:
    """All files of the run by name, each held against its checksum."""
    found = {}
    for path in _files(folder):
        if path.suffix == ".zip":
            continue
        name = path.relative_to(folder)
        sealed = path.suffix in (".nc", ".json", ".html") and path.name != "checksums.json"
        if sealed and (wrong := integrity.damage(path)) is not None:
            raise JaxmorphError(f"{path}: {wrong}; {store.remedy(path)}")
        found[str(name)] = _add(crate, path, Path("run") / name)
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _add(crate: ROCrate, path: Path, name: Path) -> Any:
    about: dict[str, Any] = {"name": name.name, "contentSize": str(path.stat().st_size)}
    if path.suffix in _FORMATS:
        about["encodingFormat"] = _FORMATS[path.suffix]
    return crate.add_file(path, name.as_posix(), properties=about)


def _profile(crate: ROCrate, url: str) -> ContextEntity:
    from rocrate.model.contextentity import ContextEntity

    name, version = _PROFILES[url]
    about = {"@type": "CreativeWork", "name": name, "version": version}
    return crate.add(ContextEntity(crate, url, properties=about))


def _parameter(crate: ROCrate, name: str) -> ContextEntity:
    from rocrate.model.contextentity import ContextEntity

    about = {
        "@type": "FormalParameter",
        "additionalType": "File",
        "conformsTo": {"@id": "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"},
        "name": name,
    }
    return crate.add(ContextEntity(crate, f"#{name}", properties=about))
