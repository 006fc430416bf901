"""``provenance.json``: where every file of a run comes from, for a paper's methods section."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import SerializerFunctionWrapHandler, model_serializer

from ..configuration import Run
from ..configuration.fields import ConfigurationModel
from ..quantities import Attributes

# What is said of each file, where it says so itself.
_TEXTS = ("host", "device", "job_id", "start", "end", "design_hash", "code_digest")
_NUMBERS = ("wall_time_s", "cpu_time_s")


class FileAccount(ConfigurationModel):
    """Where one file comes from. What the file does not say is None, and not in the JSON.

    Attributes:
        file: Its path.
        kind: As of ``store.KINDS``.
        host: Where it was made; ``device``, ``job_id``, ``start``, ``end`` likewise.
        wall_time_s: Seconds of the clock; those of its job where it was not measured.
        cpu_time_s: Seconds of processors.
        design_hash: Of the points that it was made for.
        code_digest: Of the code that decided its numbers.
        devices: How many devices made it.
        code: Version and commit.
    """

    file: str
    kind: str
    host: str | None = None
    device: str | None = None
    job_id: str | None = None
    start: str | None = None
    end: str | None = None
    wall_time_s: float | None = None
    cpu_time_s: float | None = None
    design_hash: str | None = None
    code_digest: str | None = None
    devices: int
    code: str

    @classmethod
    def of(cls, path: str, attributes: Attributes, code: str) -> Self:
        """From the attributes of a file; ``code`` is its version in words."""
        texts = {name: str(attributes[name]) for name in _TEXTS if name in attributes}
        numbers = {name: float(attributes[name]) for name in _NUMBERS if name in attributes}
        if "wall_time_s" not in numbers and {"start", "end"} <= texts.keys():
            start, end = (datetime.datetime.fromisoformat(texts[name]) for name in ("start", "end"))
            numbers["wall_time_s"] = (end - start).total_seconds()
        several = re.search(r" x (\d+)$", str(attributes["device"]))
        known = {"file": path, "kind": str(attributes["jaxmorph_file"]), **texts, **numbers}
        return cls.model_validate(known | {"devices": int(several[1]) if several else 1, "code": code})

    @property
    def gpu_time_s(self) -> float:
        """Seconds of GPUs, all of them together."""
        on_gpu = (self.device or "").startswith(("gpu", "cuda", "rocm"))
        return (self.wall_time_s or 0.0) * self.devices if on_gpu else 0.0

    @model_serializer(mode="wrap")
    def _known(self, serialised: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: value for name, value in serialised(self).items() if value is not None}


class CodeAccount(ConfigurationModel):
    """The code of a run: of its estimates, and of all files with their digests."""

    version: str
    git_commit: str
    git_dirty: str
    of_all_files: tuple[str, ...]
    digests: tuple[str, ...]


class Totals(ConfigurationModel):
    """Sums over the files of a run."""

    simulations: int
    simulations_wanted: int
    jobs: int
    hosts: int
    cpu_time_s: float
    gpu_time_s: float
    start: str
    end: str


class RunAccount(ConfigurationModel):
    """The content of ``provenance.json``.

    Attributes:
        run: Its name.
        methods: A paragraph for a paper.
        configuration: Of the run.
        missing_batches: Names of those that were not there when the estimates were made.
        files: All files of the run.
    """

    run: str
    methods: str
    study: str
    study_description: str
    configuration: Run
    random_key: int
    design_hash: str
    code: CodeAccount
    libraries: dict[str, str]
    totals: Totals
    missing_batches: tuple[str, ...]
    files: tuple[FileAccount, ...]


def account_of(
    run_name: str, run: Run, files: Iterable[FileAccount], estimates: Attributes
) -> RunAccount:
    """All but the paragraph for a paper, which is made from it.

    Args:
        run_name: Name of the run.
        run: The run.
        files: Its files.
        estimates: Attributes of ``sensitivity.nc``.
    """
    files = tuple(files)
    return RunAccount(
        run=run_name,
        methods="",
        study=str(estimates["study"]),
        study_description=str(estimates["study_description"]),
        configuration=run,
        random_key=int(estimates["random_key"]),
        design_hash=str(estimates["design_hash"]),
        code=CodeAccount(
            version=str(estimates["code_version"]),
            git_commit=str(estimates["git_commit"]),
            git_dirty=str(estimates["git_dirty"]),
            of_all_files=tuple(sorted({file.code for file in files})),
            digests=tuple(sorted({file.code_digest for file in files if file.code_digest})),
        ),
        libraries=json.loads(str(estimates["library_versions"])),
        totals=_totals(estimates, files),
        missing_batches=_missing(estimates, files),
        files=files,
    )


def _totals(estimates: Attributes, files: tuple[FileAccount, ...]) -> Totals:
    return Totals(
        simulations=int(estimates["simulations"]),
        simulations_wanted=int(estimates["simulations_wanted"]),
        jobs=len({file.job_id for file in files}),
        hosts=len({file.host for file in files}),
        cpu_time_s=round(sum(file.cpu_time_s or 0.0 for file in files), 1),
        gpu_time_s=round(sum(file.gpu_time_s for file in files), 1),
        # All are UTC and ISO 8601, whose order is that of time.
        start=min((file.start for file in files if file.start), default=""),
        end=max((file.end for file in files if file.end), default=""),
    )


def _missing(estimates: Attributes, files: tuple[FileAccount, ...]) -> tuple[str, ...]:
    """Names of all batches that were not there when the estimates were made."""
    wanted = Run.from_json(str(estimates["configuration"])).batches
    there = {Path(file.file).stem for file in files if file.kind == "batch"}
    return tuple(name for name in wanted if name not in there)
