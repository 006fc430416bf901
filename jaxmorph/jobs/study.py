"""The first job of a run: it checks the run against its study, describes both, and times it."""

import dataclasses
import logging
from collections.abc import Mapping

import numpy as np
import xarray as xr

from .. import engine, store
from ..configuration import (
    Cost,
    SettledCut,
    check_cost,
    cut_by_cost,
    read_cost,
    read_cut,
    write_cost,
    write_cut,
)
from ..configuration.batches import BatchSetting
from ..configuration.elsewhere import placeless, without_place
from ..configuration.fits import check_animation, check_figures, check_summaries
from ..configuration.limits import FULL_JOB_BYTES, size
from ..configuration.look import Figures
from ..configuration.optimise import Optimise
from ..configuration.sections import Animation, Findings, TimeSummary
from ..configuration.specifications import StudySpecification
from ..configuration.specify import Specifications
from ..designs import Design, ListDesign, make_design
from ..engine.program import dtype, precision, seed_keys
from ..errors import JaxmorphError
from ..figures.stated import stated
from ..studies import Problem, source_of
from .problem import how_of, keys_below, run_problem

logger = logging.getLogger(__name__)


def describe_study(
    run_name: str,
    spec: StudySpecification,
    animation: Animation,
    n_seeds: int,
    output: str,
    cost: str,
    *,
    figures: Figures | None = None,
    findings: Findings | None = None,
    summaries: Mapping[str, TimeSummary] | None = None,
    optimise: Optimise | None = None,
    design: Design | None = None,
) -> None:
    """Check a run against its study (names, settings, gradients), describe both, and time it.

    ``animation``, ``figures``, ``findings``, ``summaries``, ``optimise``, ``design`` and ``n_seeds`` are
    the run's: they decide nothing that is written, but what it costs.
    """
    problem = run_problem(run_name, spec)
    study = problem.study
    if lines := store.clashes(study.state_variables):
        raise JaxmorphError("\n".join(f"study {type(study).__name__}: {line}" for line in lines))
    traced = engine.trace(problem)
    engine.check_size(problem, traced)
    engine.check_trace(problem, traced)
    engine.check_pure(problem)
    cuts = engine.find_cuts(problem.continuous, spec.estimator)
    n_times, n_observables = traced.shape
    with keys_below(f"runs.{run_name}"):
        fields = [v.name for v in study.state_variables if "cell" in v.dims]
        check_animation(animation, type(study).__name__, fields, problem.observables)
        _check_shown(problem, traced, figures, findings, summaries or {})
        if isinstance(design, ListDesign):
            make_design(design, problem.distribution_of)
        if optimise is not None:
            from .optimise import check_objective, check_search  # imports Optax

            check_search(problem, optimise)
            check_objective(problem, optimise.objective, np.array(_recorded(problem, traced)))
    engine.check_estimator(problem, spec.estimator, spec.gradient, traced)
    logger.info(
        "study %s: %d varied parameters, %d observables at %d times",
        spec.study,
        len(problem.names),
        n_observables,
        n_times,
    )
    noisy = engine.is_noisy(problem, traced)
    if study.is_stochastic and not noisy:
        logger.warning(
            "study %s: no observable depends on the key, so all seeds are alike, and the run counts as "
            "one without noise; draw with jax.random from the key, or set stochastic = False",
            type(study).__name__,
        )
    content = {
        "study": without_place(spec.study),
        "study_description": study.describe(),
        "study_source": source_of(spec.study),
        "stochastic": noisy,
        "settings": placeless(study.settings()),
        "fixed_parameters": problem.fixed,
        "parameters": [
            {
                "name": parameter.name,
                "unit": parameter.unit,
                "description": parameter.description,
                "default": parameter.default,
                "distribution": distribution.model_dump(mode="json"),
            }
            for parameter, distribution in zip(problem.varied, problem.distributions, strict=True)
        ],
        "cuts": [dataclasses.asdict(cut) for cut in cuts],
    }
    store.write_record(store.StudyRecord.from_plain(content), output, spec.identity)
    measured = engine.measure_cost(
        problem, run_key=spec.key, n_seeds=n_seeds, noise=True, traced=traced, **how_of(spec)
    )
    _say_cost(measured)
    write_cost(measured, cost)


def describe_run(run_name: str, specs: Specifications, output: str, cost: str) -> Cost:
    """The same of a whole run, which must then be one that can be done; what a simulation costs.

    Raises:
        JaxmorphError: It does not fit its study, or asks for more than there is.
    """
    run = specs.run
    describe_study(
        run_name,
        specs.study,
        run.animation,
        run.seeds,
        output,
        cost,
        figures=run.figures,
        findings=run.findings,
        summaries=run.summaries,
        optimise=run.optimise,
        design=run.design,
    )
    measured = read_cost(cost)
    check_cost(run_name, run, measured)
    return measured


def _check_shown(
    problem: Problem,
    traced: engine.Traced,
    figures: Figures | None,
    findings: Findings | None,
    summaries: Mapping[str, TimeSummary],
) -> None:
    """Whether the study has what figures and findings are to be of."""
    try:
        check_summaries(summaries, problem.observables, n_times=traced.shape[0])
    except ValueError as error:
        raise JaxmorphError(f"summaries.{error}") from None
    if figures is None and findings is None:
        return
    times = _recorded(problem, traced)
    if figures is not None:
        check_figures(figures, problem.names, [*problem.observables, *summaries], times)
    if findings is not None:
        unit = {"units": problem.study.time_unit}
        stated(xr.Dataset(coords={"time": ("time", times, unit)}), findings.time)


def _recorded(problem: Problem, traced: engine.Traced) -> list[float]:
    """The recorded times, which no parameter changes."""
    medians = np.array([d.ppf(np.array(0.5)) for d in problem.distributions])
    with precision(problem):
        times = traced.times(medians.astype(dtype(problem)), seed_keys(0, np.arange(1))[0])
        return [float(t) for t in np.asarray(times)]


def settle_cut(question: str, n_samples: int, n_seeds: int, cost: str, output: str) -> BatchSetting:
    """How ``batch: auto`` cuts a run of so many samples and seeds; kept if it was settled before."""
    batch = read_cut(output, question)
    if batch is None:
        batch = cut_by_cost(n_samples, n_seeds, read_cost(cost))
        write_cut(SettledCut(question=question, batch=batch), output)
    return batch


def _say_cost(cost: Cost) -> None:
    """Say what a simulation costs, and which ``batch`` makes jobs of a good length."""
    logger.info(
        "a simulation with gradients takes %.3g ms and gives %s on %s",
        1e3 * cost.seconds_per_simulation,
        size(cost.result_bytes_per_simulation),
        cost.device,
    )
    in_time, fit = (
        1200 / cost.seconds_per_simulation,
        FULL_JOB_BYTES / cost.result_bytes_per_simulation,
    )
    simulations = max(1, int(min(in_time, fit)))
    logger.info(
        "batch: %d would make jobs of %.2g minutes, and files of up to %s (timed %d at once)",
        simulations,
        simulations * cost.seconds_per_simulation / 60,
        size(simulations * cost.result_bytes_per_simulation),
        cost.simulations,
    )
