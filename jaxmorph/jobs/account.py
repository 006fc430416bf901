"""The job that says where every file of a run comes from."""

import datetime
import json
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .. import store
from ..configuration import Run
from ..report import paper

logger = logging.getLogger(__name__)

# What is said of each file, where it says so itself.
_OF_A_FILE = (
    *("host", "device", "job_id", "start", "end", "wall_time_s", "cpu_time_s"),
    *("design_hash", "code_digest"),
)


def write_provenance(run_name: str, run: Run, inputs: Iterable[str], output: str) -> None:
    """Collect the provenance of the files of a run, from their attributes alone."""
    files: list[dict[str, Any]] = []
    estimates: dict[str, Any] = {}
    for path in inputs:
        attributes = store.read_attributes(path)
        files.append(_of_a_file(path, attributes))
        if attributes["jaxmorph_file"] == "sensitivity":
            estimates = attributes
    record = {
        "run": run_name,
        "methods": "",
        "study": estimates["study"],
        "study_description": estimates["study_description"],
        "configuration": run.plain(),
        "random_key": int(estimates["random_key"]),
        "design_hash": estimates["design_hash"],
        "code": {
            "version": estimates["code_version"],
            "git_commit": estimates["git_commit"],
            "git_dirty": estimates["git_dirty"],
            "of_all_files": sorted({file["code"] for file in files}),
            "digests": sorted({file["code_digest"] for file in files if file.get("code_digest")}),
        },
        "libraries": json.loads(estimates["library_versions"]),
        "totals": _totals(estimates, files),
        "missing_batches": _missing(estimates, files),
        "files": files,
    }
    record["methods"] = paper.methods(record, estimates)
    store.write_json(record, output)
    logger.info("%d files", len(files))


def _of_a_file(path: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: attributes[name] for name in _OF_A_FILE if name in attributes}
    for name, value in known.items():
        known[name] = value if isinstance(value, str) else float(value)
    if "wall_time_s" not in known and {"start", "end"} <= known.keys():
        start, end = (datetime.datetime.fromisoformat(known[name]) for name in ("start", "end"))
        known["wall_time_s"] = (end - start).total_seconds()
    several = re.search(r" x (\d+)$", str(attributes["device"]))
    devices = int(several[1]) if several else 1
    kind = str(attributes["jaxmorph_file"])
    code = store.code(attributes)
    return {"file": path, "kind": kind, **known, "devices": devices, "code": code}


def _totals(estimates: Mapping[str, Any], files: list[dict[str, Any]]) -> dict[str, Any]:
    on_gpu = [file for file in files if str(file.get("device")).startswith(("gpu", "cuda", "rocm"))]
    starts, ends = ([file[end] for file in files if end in file] for end in ("start", "end"))
    return {
        "simulations": int(estimates["simulations"]),
        "simulations_wanted": int(estimates["simulations_wanted"]),
        "jobs": len({file.get("job_id") for file in files}),
        "hosts": len({file.get("host") for file in files}),
        "cpu_time_s": round(sum(file.get("cpu_time_s", 0.0) for file in files), 1),
        "gpu_time_s": round(sum(file["wall_time_s"] * file["devices"] for file in on_gpu), 1),
        # All are UTC and ISO 8601, whose order is that of time.
        "start": min(starts, default=""),
        "end": max(ends, default=""),
    }


def _missing(estimates: Mapping[str, Any], files: list[dict[str, Any]]) -> list[str]:
    """Names of all batches that were not there when the estimates were made."""
    wanted = Run.from_json(estimates["configuration"]).batches
    there = {Path(file["file"]).stem for file in files if file["kind"] == "batch"}
    return [name for name in wanted if name not in there]
