"""The jobs that need no JAX: the design of a run, and the estimates from all of its batches."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from pydantic import TypeAdapter

from .. import designs, sensitivity, store
from ..configuration import GRADIENT_ESTIMATORS, Run, bias_attributes
from ..distributions import Distribution
from .slabs import Slabs

logger = logging.getLogger(__name__)

_MOST_NAMED = 100

# Say the same in every batch of a run.
_FROM_A_BATCH = ("device", "precision", "gradient_mode", "gradient_mode_reason", "random_key")


def make_design(run_name: str, run: Run, study: str, output: str, record: str) -> None:
    """Write the points of a run's design, with what its study says of the parameters.

    ``record`` is a file for the run itself: when the design changes, it tells what that costs.
    """
    about = store.read_record(study, store.StudyRecord)
    parameters = about.parameters
    values, unit_values = designs.make_design(
        run.design, {p.name: p.distribution for p in parameters}, run.correlations
    )
    attributes = store.provenance(run_name, run.plain()) | {
        "design_method": run.design.method,
        "design": run.design.model_dump_json(),
        "correlations": json.dumps([c.model_dump(mode="json") for c in run.correlations]),
        "estimator": run.estimator,
        "stochastic": int(about.stochastic),
        "study": about.study,
        "study_description": about.study_description,
        "study_source": about.study_source,
        "settings": json.dumps(about.settings),
        "fixed_parameters": json.dumps(about.fixed_parameters),
        **bias_attributes(run.estimator),
    }
    dataset = store.design_dataset(
        values, unit_values, parameters, [p.distribution for p in parameters], attributes
    )
    store.write_dataset(dataset, output, "design")
    store.write_json(run.plain(), record)


def estimate_sensitivity(
    run_name: str, run: Run, design: str, batches: Sequence[str], output: str
) -> None:
    """Read the batches, one slab of samples in memory at a time, and write the estimates."""
    points = store.read_dataset(design, "design")
    slabs = Slabs(run, points, {Path(path).stem: path for path in batches})
    _warn_of_missing(run, slabs)
    estimation = sensitivity.Estimation(points, _question(run, points), slabs.there)
    n_samples = points.sizes["sample"]
    with store.streamed(output, "sensitivity", n_samples) as file:
        for slab in slabs:
            file.skip_to(int(slab["sample"][0]))
            file.append(estimation.add(slab))
        file.skip_to(n_samples)
        dataset = estimation.finish()
        file.derive(estimation.derives_from, estimation.derive)
        dataset.attrs |= {
            **{k: v for k, v in points.attrs.items() if k not in ("jaxmorph_file", "Conventions")},
            **store.provenance(run_name, run.plain()),
            **{k: slabs.attributes[k] for k in _FROM_A_BATCH},
            **slabs.summary.attributes(),
            **_completeness(run, slabs),
            "wanted_signal_to_noise": run.estimates.signal_to_noise,
            "trim": run.estimates.trim,
        }
        file.finish(dataset)


def _completeness(run: Run, slabs: Slabs) -> dict[str, Any]:
    """How much of the run is there."""
    return {
        "simulations": slabs.n_simulations,
        "simulations_wanted": run.n_samples * run.n_seeds,
        "missing_batch_count": len(slabs.missing),
        "missing_batches": json.dumps(slabs.missing[:_MOST_NAMED]),
    }


def _warn_of_missing(run: Run, slabs: Slabs) -> None:
    if slabs.missing:
        logger.warning(
            "%d of %d batches are not there (%s): estimates are from %d of %d simulations",
            len(slabs.missing),
            len(run.batches),
            ", ".join(slabs.missing[:_MOST_NAMED]),
            slabs.n_simulations,
            run.n_samples * run.n_seeds,
        )


def _question(run: Run, points: xr.Dataset) -> sensitivity.Question:
    """What the estimators must know of the run besides its numbers."""
    return sensitivity.Question(
        TypeAdapter(list[Distribution]).validate_json(points.attrs["distributions"]),
        run.design,
        independent=not run.correlations,
        stochastic=bool(points.attrs["stochastic"]),
        pathwise=GRADIENT_ESTIMATORS[run.estimator].along_paths,
        wanted_signal_to_noise=run.estimates.signal_to_noise,
        trim=run.estimates.trim,
    )
