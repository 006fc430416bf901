"""The jobs that need no JAX: the design of a run, and the estimates from all of its batches."""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import BaseModel, TypeAdapter

from .. import designs, sensitivity, store
from ..configuration import Batch, Run
from ..distributions import Distribution
from ..errors import JaxmorphError

logger = logging.getLogger(__name__)

# Say the same in every batch of a run.
_FROM_A_BATCH = ("device", "precision", "gradient_mode", "gradient_mode_reason", "random_key")


def make_design(run_name: str, spec: Mapping[str, Any], study: str, output: str, record: str) -> None:
    """Write the points of a run's design, with what its study says of the parameters.

    ``record`` is a file for the run itself: when the design changes, it tells what that costs.
    """
    run = Run.model_validate(spec)
    about = store.read_json(study)
    parameters = TypeAdapter(list[_Parameter]).validate_python(about["parameters"])
    values, unit_values = designs.make_design(
        run.design, {p.name: p.distribution for p in parameters}, run.correlations
    )
    attributes = store.provenance(run_name, dict(spec)) | {
        "design_method": run.design.method,
        "design": run.design.model_dump_json(),
        "correlations": json.dumps([c.model_dump(mode="json") for c in run.correlations]),
        "estimator": run.estimator,
        "stochastic": int(about.get("stochastic", True)),
        "study": about["study"],
        "study_description": about["study_description"],
        "settings": json.dumps(about["settings"]),
        "fixed_parameters": json.dumps(about["fixed_parameters"]),
    }
    dataset = store.design_dataset(
        values, unit_values, parameters, [p.distribution for p in parameters], attributes
    )
    store.write_dataset(dataset, output, "design")
    store.write_json(run.model_dump(mode="json"), record)


class _Parameter(BaseModel):
    """A varied parameter as study.json describes it."""

    name: str
    unit: str
    description: str
    default: float
    distribution: Distribution


def estimate_sensitivity(
    run_name: str, spec: Mapping[str, Any], design: str, batches: Sequence[str], output: str
) -> None:
    """Read the batches, one slab of samples in memory at a time, and write the estimates."""
    run = Run.model_validate(spec)
    points = store.read_dataset(design, "design")
    slabs = _Slabs(run, points, {Path(path).stem: path for path in batches})
    estimation = sensitivity.Estimation(points, _question(run, points))
    with store.streamed(output, "sensitivity", points.sizes["sample"]) as file:
        for slab in slabs:
            file.append(estimation.add(slab))
        dataset, factor = estimation.finish()
        file.derive(lambda local: sensitivity.scaled_sensitivity(local, factor))
        dataset = dataset.assign_coords(slabs.texts)
        dataset.attrs = {
            **{k: v for k, v in points.attrs.items() if k not in ("jaxmorph_file", "Conventions")},
            **{k: slabs.attributes[k] for k in _FROM_A_BATCH},
            **store.provenance(run_name, dict(spec)),
            "wanted_signal_to_noise": run.estimates.signal_to_noise,
            "trim": run.estimates.trim,
            "wall_time_s": slabs.wall_time,
        }
        file.finish(dataset)


def _question(run: Run, points: xr.Dataset) -> sensitivity.Question:
    """What the estimators must know of the run besides its numbers."""
    return sensitivity.Question(
        TypeAdapter(list[Distribution]).validate_json(points.attrs["distributions"]),
        run.design,
        independent=not run.correlations,
        stochastic=bool(points.attrs["stochastic"]),
        pathwise=run.estimator == "pathwise",
        wanted_signal_to_noise=run.estimates.signal_to_noise,
        trim=run.estimates.trim,
    )


class _Slabs:
    """Iterates over datasets of all seeds of some samples, checked against design and run."""

    def __init__(self, run: Run, design: xr.Dataset, paths: Mapping[str, str]):
        self._run, self._design, self._paths = run, design, paths
        self.attributes: dict[str, Any] = {}
        self.texts: dict[Any, xr.DataArray] = {}
        self.wall_time = 0.0
        self._like: xr.Dataset | None = None

    def __iter__(self) -> Iterator[xr.Dataset]:
        rows: dict[range, list[str]] = {}
        for name, batch in self._run.batches.items():
            rows.setdefault(batch.samples, []).append(name)
        for done, names in enumerate(rows.values(), start=1):
            yield xr.concat(
                [self._read(name) for name in names],
                "seed",
                data_vars=["value", "gradient"],
                coords="minimal",
                compat="override",
                join="override",
            )
            logger.info("slab %d of %d done", done, len(rows))

    def _read(self, name: str) -> xr.Dataset:
        path = self._paths[name]
        batch = store.read_dataset(path, "batch")
        _check_batch(path, batch, self._design, self._run.batches[name])
        if self._like is None:
            self._like = batch[["time", "observable"]]
        for axis in ("time", "observable"):
            if not np.array_equal(batch[axis].values, self._like[axis].values):
                raise JaxmorphError(
                    f"{path}: its {axis}s are not those of the other batches; {store.remedy(path)}"
                )
        self.attributes = batch.attrs
        self.wall_time += float(batch.attrs["wall_time_s"])
        self.texts = {n: c for n, c in batch.coords.items() if c.dtype.kind in "OUT"}
        # Estimates are made of numbers; the texts come back at the end.
        numbers = batch[["value", "gradient", "parameter_value"]]
        return numbers.drop_vars([n for n in self.texts if n not in batch.dims], errors="ignore")


def _check_batch(path: str, batch: xr.Dataset, design: xr.Dataset, expected: Batch) -> None:
    """The batch holds the samples and seeds of its place in the run, at the design's points."""
    remake = store.remedy(path)
    for axis, wanted in (("sample", expected.samples), ("seed", expected.seeds)):
        if list(batch[axis].values) != list(wanted):
            raise JaxmorphError(
                f"{path}: holds {axis}s {batch[axis].values.tolist()}, not {wanted.start} to "
                f"{wanted.stop - 1}; {remake}"
            )
    if list(batch["parameter"].values) != list(design["parameter"].values):
        raise JaxmorphError(
            f"{path}: varies {', '.join(batch['parameter'].values)}, the design varies "
            f"{', '.join(design['parameter'].values)}; {remake}"
        )
    points = design["parameter_value"].sel(sample=batch["sample"]).values
    # The tolerance is single precision's: such a batch holds its points in it.
    if not np.allclose(batch["parameter_value"].values, points, rtol=1e-6, atol=0):
        raise JaxmorphError(f"{path}: was made for other parameter values than the design's; {remake}")
