"""The jobs that need no JAX: the design of a run, and the estimates from all of its batches."""

import json
from collections.abc import Sequence
from pathlib import Path

import xarray as xr
from pydantic import TypeAdapter

from .. import designs, sensitivity, store
from ..configuration import GRADIENT_ESTIMATORS, Run, bias_attributes
from ..configuration.elsewhere import placeless
from ..configuration.specify import Specifications
from ..distributions import Distribution


def write_design(run_name: str, run: Run, study: str, output: str, record: str) -> None:
    """Write the points of a run's design, with what its study says of the parameters.

    ``record`` is a file for the run itself: when the design changes, it tells what that costs.
    """
    specs = Specifications(run)
    about = store.read_record(study, store.StudyRecord, specs.study.identity)
    parameters = about.parameters
    values, unit_values = designs.make_design(
        run.design,
        {p.name: p.distribution for p in parameters},
        run.correlations,
        run.groups.values(),
    )
    attributes = store.provenance(run_name, run.plain()) | {
        **specs.of_design.attributes(),
        "design_method": run.design.method,
        "design": run.design.model_dump_json(),
        "correlations": json.dumps([c.model_dump(mode="json") for c in run.correlations]),
        "groups": json.dumps(run.groups),
        "estimator": run.estimator,
        "stochastic": int(about.stochastic),
        "study": about.study,
        "study_description": about.study_description,
        "study_source": about.study_source,
        "settings": json.dumps(about.settings),
        "fixed_parameters": json.dumps(about.fixed_parameters),
        "derivatives_end": json.dumps([cut.plain() for cut in about.cuts]),
        **bias_attributes(run.estimator),
    }
    dataset = store.design_dataset(
        values, unit_values, parameters, [p.distribution for p in parameters], attributes
    )
    store.write_dataset(dataset, output, "design")
    store.write_json(placeless(run.plain()), record)


def estimate_sensitivity(
    run_name: str, run: Run, design: str, batches: Sequence[str], checks: str | None, output: str
) -> None:
    """Read the batches, one slab of samples in memory at a time, and write the estimates.

    What ``checks`` refute of the gradients, the estimates do not build upon.
    """
    specs = Specifications(run)
    points = store.read_dataset(design, "design", specs.of_design)
    slabs = store.Slabs(specs, points, {Path(path).stem: path for path in batches})
    slabs.warn_of_missing()
    n_samples = points.sizes["sample"]
    there = sensitivity.There.of(slabs.batches.values(), n_samples) if slabs.missing else None
    held = store.read_given(checks, "checks", specs.checks.identity)
    estimation = sensitivity.Estimation(points, question_of(run, points, held), there)
    with store.streamed(output, "sensitivity", n_samples) as file:
        for recorded in slabs:
            slab = sensitivity.with_summaries(recorded, run.summaries)
            file.skip_to(int(slab["sample"][0]))
            file.append(estimation.add(slab))
        file.skip_to(n_samples)
        dataset = estimation.finish()
        file.derive(estimation.derives_from, estimation.derive)
        dataset.attrs |= {
            **{k: v for k, v in points.attrs.items() if k not in ("jaxmorph_file", "Conventions")},
            **store.provenance(run_name, run.plain()),
            **specs.of_estimates.attributes(),
            **slabs.attributes(),
            "wanted_signal_to_noise": run.estimates.signal_to_noise,
            "trim": run.estimates.trim,
        }
        file.finish(dataset)


def question_of(run: Run, points: xr.Dataset, checks: xr.Dataset | None = None) -> sensitivity.Question:
    """What the estimators must know of the run besides its numbers."""
    refuted = None if checks is None else checks.get("line_incomplete")
    declared = GRADIENT_ESTIMATORS[run.estimator]
    return sensitivity.Question(
        TypeAdapter(list[Distribution]).validate_json(points.attrs["distributions"]),
        run.design,
        groups=run.groups,
        independent=not run.correlations,
        correlations=run.correlations,
        stochastic=bool(points.attrs["stochastic"]),
        pathwise=declared.along_paths,
        complete=declared.is_complete,
        noise_covaries=declared.is_complete or declared.noise_covaries,
        smoothing=run.smoothing if "smoothing" in declared.settings else None,
        wanted_signal_to_noise=run.estimates.signal_to_noise,
        trim=run.estimates.trim,
        refuted=None if refuted is None else sensitivity.refuted_of(refuted, run.summaries),
        summaries=tuple(run.summaries),
    )
