# What the rules look up. Only the configuration is known here; nothing imports JAX.
import atexit
import os
import re
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from snakemake.checkpoints import Checkpoint
from snakemake.exceptions import WorkflowError

import jaxmorph
from jaxmorph.atomic import sweep
from jaxmorph.configuration import (
    check_cost,
    check_syntax,
    load_configuration,
    read_cost,
    read_cut,
)
from jaxmorph.configuration.budget import budget
from jaxmorph.configuration.callers import place_in
from jaxmorph.configuration.code import estimators_digest, not_followed
from jaxmorph.configuration.extension import notice, read_record
from jaxmorph.configuration.fields import hint
from jaxmorph.configuration.folders import unwritable, unwritable_to_look
from jaxmorph.configuration.resources import need
from jaxmorph.configuration.specify import Specifications
from jaxmorph.errors import JaxmorphError
from jaxmorph.figures import CATALOGUE, figure_names
from jaxmorph.integrity import LIST
from jaxmorph.jobs import import_alike
from jaxmorph.terminal import warn_once

CONFIG_FILE = "config/config.yaml"

# The name of any run: a pattern of thousands of names would be slow.
ANY_RUN = r"(?!compare-)[A-Za-z0-9][A-Za-z0-9_-]*"

# Of a module: it has the `config:` of its caller, and the next `configfile:` does nothing.
IS_GIVEN = workflow.modifier.skip_configfile

# Where a file of the workflow is: of a module, its caller can choose (`prefix:`, `replace_prefix:`).
located = workflow.modifier.path_modifier.replace_prefix

try:
    if Path(CONFIG_FILE).exists() and not IS_GIVEN:
        check_syntax(CONFIG_FILE)  # Snakemake does not say which file is wrong
except JaxmorphError as error:
    sys.exit(f"The configuration is wrong; nothing was done.\n{error}")


configfile: CONFIG_FILE


def sources():
    """Where the configuration came from, for :func:`load_configuration`."""
    given, replaced = (
        workflow.overwrite_configfiles,
        workflow.config_settings.replace_workflow_config,
    )
    below = place_in(workflow.modifier_stack[0].globals["config"], config) if IS_GIVEN else ()
    if below is None:  # made by the Snakefile of the caller
        return {"place": f"config of the module {__name__}"}
    own = (
        [file for file in workflow.configfiles if file not in given] if IS_GIVEN else [CONFIG_FILE]
    )
    # In rising precedence; Snakemake itself lists the workflow's own file last.
    files = [*([] if replaced else own), *given]
    return {"files": files, "overrides": workflow.config_settings.config, "below": below}


try:
    CONFIGURATION = load_configuration(config, **sources())
    RUNS, COMPARISONS = CONFIGURATION.runs, CONFIGURATION.compare
except JaxmorphError as error:
    sys.exit(f"The configuration is wrong; nothing was done.\n{error}")

REFUSALS = {}
SPECIFICATIONS = {name: Specifications(run) for name, run in RUNS.items()}

# For the scripts of jobs that must not be made again when these change: they are no params of theirs. In a
# copy, because the mapping of a module is its caller's.
config = {
    **config,
    "package": str(Path(jaxmorph.__file__).parents[1]),
    "animations": {name: run.animation.plain() for name, run in RUNS.items()},
    "looks": {name: run.figures.plain() for name, run in RUNS.items()},
    "findings": {name: run.findings.plain() for name, run in RUNS.items()},
    "searches": {name: run.optimise and run.optimise.plain() for name, run in RUNS.items()},
    "summaries": {
        name: {one: summary.plain() for one, summary in run.summaries.items()}
        for name, run in RUNS.items()
    },
    "cuts": {
        name: {
            "n_samples": spec.run.n_samples,
            "n_seeds": spec.run.n_seeds,
        }
        for name, spec in SPECIFICATIONS.items()
    },
}


def settle(run_name):
    """Whether it is known how a run is cut; then its specifications know it, too."""
    spec = SPECIFICATIONS[run_name]
    if spec.run.batch == "auto":
        batch = read_cut(Path(located(f"results/{run_name}/cut.json")), spec.question)
        if batch is None:
            return False
        SPECIFICATIONS[run_name] = spec.cut(batch)
    return True


for RUN in RUNS:
    settle(RUN)


def cut_checkpoint(run_name):
    """The checkpoint that settles how a run is cut: of a module, whichever `use rule` took it, by any name."""
    file = located(f"results/{run_name}/cut.json")
    makers = (one for one in workflow.rules if one.is_checkpoint and one.is_producer(file))
    if (maker := next(makers, None)) is None:
        raise WorkflowError(f"nothing makes {file}; take the checkpoint cut of the module, too")
    return Checkpoint(maker, checkpoints)


def cut(run_name):
    """The specifications of a run as it is cut; Snakemake asks again when that is settled."""
    if not settle(run_name):
        cut_checkpoint(run_name).get(run=run_name)
        raise WorkflowError(f"{located(f'results/{run_name}/cut.json')} is damaged: remove it")
    return SPECIFICATIONS[run_name]


def warn_of_moved_points():
    """Say which finished batches a changed design computes again."""
    for name, spec in SPECIFICATIONS.items():
        before = read_record(Path(located(f"results/{name}/design.json")))
        finished = {path.stem for path in Path(located(f"results/{name}/batches")).glob("*.nc")}
        if before and (line := notice(name, before, spec.run, finished)):
            warn_once(line)


@cache
def arguments():
    """Those of this command, as Snakemake reads them."""
    from snakemake.cli import get_argument_parser

    return get_argument_parser().parse_known_args()[0]


def asked_for(*options):
    """Whether one of some options was given to this command."""
    return workflow.is_main_process and any(getattr(arguments(), option) for option in options)


def only_looks():
    """Whether this command only asks for something, such as a dry run, and computes nothing."""
    asks = ("dryrun", "summary", "detailed_summary", "report", "lint", "list_rules")
    asks += ("list_target_rules", "dag", "rulegraph", "filegraph", "d3dag", "archive")
    return asked_for(*asks)


def refuse_cores():
    """Stop, if there is nothing to compute with: Snakemake would wait for ever."""
    for option in ("cores", "jobs"):
        number = getattr(arguments(), option, None)
        if isinstance(number, int) and number < 1:
            sys.exit(f"Nothing was done.\n--{option} {number}: must be 1 or more")


def refuse_targets():
    """Stop, if a file is asked for that no run has: Snakemake would not say what there is."""
    lines = []
    for target in arguments().targets:
        folder, run_name, *rest = (*Path(target).parts, "", "")[:4]
        if folder != "results" or run_name.startswith("compare-") or not rest[0]:
            continue
        if run_name not in RUNS:
            lines.append(
                f"{target}: the configuration has no run {run_name}; {hint(run_name, RUNS)}"
            )
            continue
        kind, name = rest[0], Path(rest[1]).stem
        there = ()
        if kind == "batches":
            if not settle(run_name) and SPECIFICATIONS[run_name].run.batch == "auto":
                cut_of = f"results/{run_name}/cut.json"
                lines.append(
                    f"{target}: it is not known yet how {run_name} is cut; make {cut_of} first"
                )
                continue
            there = SPECIFICATIONS[run_name].run.batches
        elif kind == "optimisation" and name.startswith("starts-"):
            there = [f"starts-{job}" for job in RUNS[run_name].optimisation_jobs]
        if there and name not in there:
            names = list(there)
            lines.append(f"{target}: there is none; {run_name} has {names[0]} to {names[-1]}")
    if lines:
        sys.exit("\n".join(["Nothing was done.", *lines]))


def measured(run_name):
    """What a simulation of a run costs, if that is known."""
    try:
        return read_cost(located(f"results/{run_name}/cost.json"))
    except (FileNotFoundError, JaxmorphError):  # not there; damaged: the job that needs it says so
        return None


def refuse_what_does_not_fit():
    """Stop, if a run would ask for more than there is, by what its study job measured."""
    costs = {name: measured(name) for name in RUNS}
    lines = [refused(name, SPECIFICATIONS[name].run, cost) for name, cost in costs.items() if cost]
    if any(lines):
        sys.exit("\n".join(["Nothing was done.", *filter(None, lines)]))


def refused(run_name, run, cost):
    """Why a run cannot be done at such a cost; nothing if it can. Asked for each resource of each job."""
    key = run_name, run.batch, cost  # all else of a run is the same in one command
    if key not in REFUSALS:
        try:
            REFUSALS[key] = check_cost(run_name, run, cost)
        except JaxmorphError as error:
            REFUSALS[key] = str(error)
    return REFUSALS[key]


def takes(run_name):
    """What a run takes, in words."""
    return str(budget(SPECIFICATIONS[run_name].run, measured(run_name)))


def refuse_folders():
    """Stop, if a folder cannot be written: Snakemake would stop later, without a remedy."""
    if lines := unwritable([*RUNS, *(f"compare-{name}" for name in COMPARISONS)], located):
        if not only_looks() or unwritable_to_look():
            sys.exit("\n".join(["Nothing was done.", *lines]))
        for line in lines:
            warn_once(line)


include: "again.smk"


def warn_of_what_is_not_followed():
    """Name what studies use whose changes would compute nothing again."""
    for study in dict.fromkeys((run.study_target, run.data) for run in RUNS.values()):
        for line in not_followed(*study):
            warn_once(line)


def check_partial_runs():
    """A run that is estimated from the batches that are there needs one."""
    for name, spec in SPECIFICATIONS.items():
        files = (located(f"results/{name}/batches/{batch}.nc") for batch in spec.run.batches)
        if spec.run.allow_partial and not any(Path(file).exists() for file in files):
            sys.exit(
                f"runs.{name}.allow_partial = true: no batch of {name} is there yet, so there is nothing "
                f"to estimate from; make some first, without allow_partial (snakemake --keep-going)"
            )


import_alike(workflow.deployment_settings.deployment_method)
if workflow.is_main_process:  # once, not in each of its jobs
    refuse_cores()
    if not IS_GIVEN:
        refuse_targets()
    refuse_folders()
    refuse_what_does_not_fit()
    warn_of_moved_points()
    if not only_looks() or asked_for("dryrun"):
        mark_what_is_damaged()
    make_afresh()
    warn_of_what_is_not_followed()
    check_partial_runs()


def known(run_name):
    """The name of a run, if the configuration has it."""
    if run_name not in RUNS:
        raise WorkflowError(
            f"there is no run {run_name} in the configuration; {hint(run_name, RUNS)}"
        )
    return run_name


def specified(wildcards):
    """The specifications of the jobs of a run."""
    return SPECIFICATIONS[known(wildcards.run)]


def optimised(wildcards):
    """The same of a run that has an optimisation."""
    if RUNS[known(wildcards.run)].optimise is None:
        raise WorkflowError(f"runs.{wildcards.run} has no optimisation: give it the key optimise")
    return SPECIFICATIONS[wildcards.run]


def run_params(wildcards):
    """The whole run, as plain values; so are all others."""
    return cut(known(wildcards.run)).run.plain()


def estimates_params(wildcards):
    """The run, but for what is nothing to its estimates."""
    return cut(known(wildcards.run)).estimates.plain()


def code_of_estimators(wildcards):
    """Digest of the code that makes estimates."""
    return estimators_digest()


def shown_params(wildcards):
    """The run, but for how it is shown, once it is known how it is cut."""
    return cut(known(wildcards.run)).shown.plain()


def design_params(wildcards):
    """The run, but for what is nothing to its design."""
    return cut(known(wildcards.run)).design.plain()


def question(wildcards):
    """What all batches of a run share, however many there are."""
    return specified(wildcards).question


def cut_file(wildcards):
    """What settles how a run is cut, if its configuration does not."""
    is_open = RUNS[known(wildcards.run)].batch == "auto"
    return ancient(f"results/{wildcards.run}/cut.json") if is_open else []


def study_params(wildcards):
    """What the study must have."""
    return specified(wildcards).study.plain()


def batch_params(wildcards):
    """What decides the numbers of a batch: growing a run leaves it as it is."""
    return cut(known(wildcards.run)).plain_batch(wildcards.batch)


def corner_params(wildcards):
    """What decides the simulations at the corners of parameter space."""
    return specified(wildcards).corners.plain()


def check_params(wildcards):
    """What decides the numerical checks."""
    return specified(wildcards).checks.plain()


def objective_params(wildcards):
    """What decides the objective of an optimisation."""
    return optimised(wildcards).objective.plain()


def objective_data(wildcards):
    """The files that the objective is held against: the user's, wherever a caller has those of the workflow.

    What they hold is in the params.
    """
    return [ancient(local(file)) for file in optimised(wildcards).run.optimise.data_files]


def start_params(wildcards):
    """What decides the paths of some starts."""
    return optimised(wildcards).starts(wildcards.starts).plain()


def optimisation_params(wildcards):
    """What decides what is measured of all starts."""
    return optimised(wildcards).optimisation.plain()


def start_files(wildcards):
    """The paths of all starts."""
    jobs = optimised(wildcards).run.optimisation_jobs
    return expand("results/{run}/optimisation/starts-{starts}.nc", run=wildcards.run, starts=jobs)


def needs(rule_name, resource):
    """A function for ``resources``: how much a job of a rule needs of one, at its first or next attempt."""

    def amount(wildcards, input, attempt):
        of_job = {k: v for k, v in wildcards.items() if k in ("batch", "starts")}
        cost = {} if rule_name == "study" else {"cost": str(input.cost)}
        run = (cut(wildcards.run) if rule_name == "batch" else specified(wildcards)).run
        if cost and (refusal := refused(wildcards.run, run, read_cost(cost["cost"]))):
            raise WorkflowError(refusal)
        return getattr(need(rule_name, run, attempt, **cost, **of_job), resource)

    return amount


def batch_files(run_name, names):
    """The files of some batches; of a run with allow_partial those that are there."""
    files = expand("results/{run}/batches/{batch}.nc", run=run_name, batch=names)
    if RUNS[run_name].allow_partial:
        return [file for file in files if Path(located(file)).exists()]
    return files


def batches(wildcards):
    """The files of all batches of a run."""
    return batch_files(wildcards.run, cut(known(wildcards.run)).run.batches)


@cache
def figures_of(run_name):
    """The figures of a run."""
    run = RUNS[run_name]
    return figure_names(
        run.design.method,
        len(run.parameters),
        checks=run.checks.samples > 0,
        optimise=run.optimise is not None,
    )


def figure_files(wildcards):
    """Every file of every figure of a run."""
    return expand(
        "results/{run}/figures/{figure}.{ending}",
        run=wildcards.run,
        figure=figures_of(wildcards.run),
        ending=RUNS[wildcards.run].figures.endings,
    ) + [f"results/{wildcards.run}/figures/{LIST}"]


def a_figure(wildcards):
    """One file of the job that makes all figures: what waits for it waits for that job."""
    return figure_files(wildcards)[0]


def wanted_figures(wildcards):
    """The same, and those that are missing or damaged: Snakemake takes long over each that it is asked for."""
    first, *others = figure_files(wildcards)
    folder = Path(located(f"results/{wildcards.run}/figures"))
    if not folder.is_dir():
        return [first]
    there = {name for name in os.listdir(folder) if folder / name not in FINISHED.damaged}
    return [first, *(file for file in others if os.path.basename(file) not in there)]


def alike(files_of):
    """Runs whose jobs have the same outputs, but for the name of the run: one rule makes them all."""
    kinds = {}
    for run in RUNS:
        # In a report of Snakemake's each run has captions of its own.
        kind = run if asked_for("report") else tuple(files_of(run))
        kinds.setdefault(kind, []).append(run)
    return list(kinds.values())


def any_of(runs):
    """The pattern of the names of some runs."""
    return ANY_RUN if len(runs) == len(RUNS) else "|".join(map(re.escape, runs))


def figure_outputs(run_name):
    """The files of the figures of runs that are alike, as outputs that are left alone if they would not change."""
    marked, caption_of = [], captions(run_name)
    for file in figure_files(SimpleNamespace(run=run_name)):
        path = Path(file)
        file = f"results/{{run}}/figures/{path.name}"
        if path.suffix == ".svg":
            entry = CATALOGUE[path.stem]
            file = report(
                file,
                caption=caption_of.get(path.stem),
                category="{run}",
                labels={"figure": entry.title, "part": entry.part},
            )
        marked.append(update(file))
    return marked


@cache
def caption_folder():
    """For captions of figures, until this command ends."""
    return TemporaryDirectory()


def captions(run_name):
    """The captions of figures for Snakemake's own report, which wants a file for each."""
    if (
        not asked_for("report") or not IS_HERE
    ):  # of a workflow from a host, it asks the host for them
        return {}
    from jaxmorph.jobs.draw import captions as texts_of

    paths = {}
    folder = Path(located(f"results/{run_name}"))
    for figure, text in texts_of(
        run_name, figures_of(run_name), RUNS[run_name].findings, folder
    ).items():
        paths[figure] = os.path.join(caption_folder().name, f"{run_name}.{figure}.rst")
        Path(paths[figure]).write_text(text, encoding="utf-8")
    return paths


def film_names(run_name):
    """The films of a run; that of single cells needs a stored trajectory."""
    run = SPECIFICATIONS[run_name].run
    stored = bool(run.trajectories.samples and run.trajectories.seeds)
    if run.allow_partial:
        stored = bool(batch_files(run_name, run.trajectory_batches))
    optimised = run.optimise is not None
    return [*["cells"] * stored, "corners", *["optimisation"] * optimised]


def animation_files(wildcards):
    """The animations of a run."""
    names = film_names(wildcards.run)
    return expand("results/{run}/animations/{name}.mp4", run=wildcards.run, name=names)


def film_outputs(run_name):
    """The same with their posters, as outputs of runs that are alike; Snakemake's report shows the films."""
    marked = []
    for name in film_names(run_name):
        film = report(
            f"results/{{run}}/animations/{name}.mp4",
            caption=f"../report/{name}.rst",
            category="{run}",
            labels={"animation": name},
        )
        marked += [film, f"results/{{run}}/animations/{name}.png"]
    return [*marked, f"results/{{run}}/animations/{LIST}"]


def film_list(wildcards):
    """The list of the films of a run with their checksums."""
    return [f"results/{wildcards.run}/animations/{LIST}"]


def trajectories(wildcards):
    """The batches that hold stored trajectories of a run, once it is known how it is cut."""
    run_name = known(wildcards.run)
    if "cells" not in film_names(run_name):
        return []
    return batch_files(run_name, cut(run_name).run.trajectory_batches)


def optimisation_cells(wildcards):
    """The cells of the best start of a run, if it has an optimisation."""
    has_them = RUNS[known(wildcards.run)].optimise is not None
    return f"results/{wildcards.run}/optimisation_cells.nc" if has_them else []


def run_files(wildcards, all_figures=False):
    """Everything that a run leaves, but for its batches."""
    names = [
        "report.html",
        "provenance.json",
        "sensitivity.nc",
        "design.nc",
        "design.json",
        "corners.nc",
    ]
    if RUNS[wildcards.run].optimise is not None:
        names += ["optimisation.nc", "optimisation_cells.nc"]
    return [
        *expand("results/{run}/{name}", run=wildcards.run, name=names),
        *(figure_files if all_figures else wanted_figures)(wildcards),
        *animation_files(wildcards),
        *film_list(wildcards),
    ]


def comparison_files():
    """Everything that comparisons leave."""
    names = ("report.html", "comparison.nc")
    return expand("results/compare-{name}/{file}", name=COMPARISONS, file=names)


def compared(file):
    """A function that gives this file of every run that a comparison has."""
    pattern = f"results/{{run}}/{file}"
    return lambda wildcards: expand(pattern, run=COMPARISONS[wildcards.comparison])


def compared_batches(wildcards):
    """The batches of all of them: differences are taken simulation by simulation."""
    runs = COMPARISONS[wildcards.comparison]
    return [file for run in runs for file in batches(SimpleNamespace(run=run))]


def compared_cuts(wildcards):
    """What settles how each of them is cut, of those whose configuration does not."""
    runs = COMPARISONS[wildcards.comparison]
    files = [cut_file(SimpleNamespace(run=run)) for run in runs]
    return [file for file in files if file]


def compared_params(wildcards):
    """What was asked of each, as it is cut."""
    runs = COMPARISONS[wildcards.comparison]
    return [[run, cut(run).estimates.plain()] for run in runs]


def needs_of_largest(resource):
    """A function for ``resources``: what the estimates of the largest run need."""

    def amount(wildcards, input, attempt):
        runs = COMPARISONS[wildcards.comparison]
        return max(
            getattr(need("sensitivity", cut(run).run, attempt, cost=str(cost)), resource)
            for run, cost in zip(runs, input.cost)
        )

    return amount


def all_of(files):
    """What ``files`` gives for every run."""
    return [file for run in RUNS for file in files(SimpleNamespace(run=run))]


def everything_of_each():
    """For each run a function that gives its files, once it is known how it is cut: no sooner are they planned."""

    def files(run):
        wildcards = SimpleNamespace(run=run)
        return [*batches(wildcards), *run_files(wildcards)]

    return [lambda wildcards, run=run: files(run) for run in RUNS]


def checks(wildcards):
    """The numerical checks, if the run has them."""
    has_checks = RUNS[known(wildcards.run)].checks.samples > 0
    return f"results/{wildcards.run}/checks.nc" if has_checks else []


def optimises(wildcards):
    """Whether a run optimises its parameters."""
    return RUNS[known(wildcards.run)].optimise is not None


def optimisation(wildcards):
    """The optimisation of a run, if it has one."""
    return f"results/{wildcards.run}/optimisation.nc" if optimises(wildcards) else []


def of_how_much(run_name):
    """A remark for a run that was estimated from some of its batches."""
    wanted = len(cut(run_name).run.batches)
    there = len(batches(SimpleNamespace(run=run_name)))
    return f" (of {there} of {wanted} batches; the others are missing)" if there < wanted else ""


def print_reports():
    """Say where the reports are, as the last lines of the output."""
    # Now, in the working directory: at exit Snakemake has left it.
    pages = {run: Path(located(f"results/{run}/report.html")) for run in RUNS}
    lines = [
        f"Report of {run}: {page}{of_how_much(run)}" for run, page in pages.items() if page.exists()
    ]
    for name, runs in COMPARISONS.items():
        page = Path(located(f"results/compare-{name}/report.html"))
        if page.exists():
            lines.append(f"Comparison of {', '.join(runs)}: {page}")
    atexit.register(print, "\n".join(lines), flush=True)
