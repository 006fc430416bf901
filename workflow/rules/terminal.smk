# What is said in the terminal: how far simulations are, how to go on after Ctrl-C, and on a cluster what
# a job that failed had to say, which is in files.
from snakemake.logging import logger as snakemake_logger

from jaxmorph.jobs.forks import offer_forks, refuse_forks
from jaxmorph.terminal import listen


def simulations_of(run_name, batch):
    """How many simulations a batch has, of a run that is cut."""
    part = cut(run_name).run.batches[batch]
    return len(part.samples) * len(part.seeds)


def planned_later(run_name):
    """The files of a run that are planned once it is known how it is cut, if all are asked for."""
    if arguments().targets:
        return []
    wildcards = SimpleNamespace(run=run_name)
    files = [*run_files(wildcards, all_figures=True), checks(wildcards)]
    return [located(file) for file in files if file]


if workflow.remote_exec:
    refuse_forks()  # its environment may be that of the main process; forks would not be on this node
if (dry := asked_for("dryrun")) or (workflow.is_main_process and not only_looks()):
    listeners = listen(workflow, snakemake_logger, offer_forks, made_again, only_plans=dry)
    listeners.follow(
        {name: run.n_samples * run.n_seeds for name, run in RUNS.items()}, located, simulations_of
    )
    listeners.plan.know(RUNS, located, planned_later, takes)
