# What is said in the terminal: how far simulations are, how to go on after Ctrl-C, and on a cluster what
# a job that failed had to say, which is in files.
from snakemake.logging import logger as snakemake_logger

from jaxmorph.jobs.forks import offer_forks, refuse_forks
from jaxmorph.terminal import listen


def simulations_of(run_name, batch):
    """How many simulations a batch has, of a run that is cut."""
    part = cut(run_name).run.batches[batch]
    return len(part.samples) * len(part.seeds)


if workflow.remote_exec:
    refuse_forks()  # its environment may be that of the main process; forks would not be on this node
if (dry := asked_for("dryrun")) or (workflow.is_main_process and not only_looks()):
    listen(workflow, snakemake_logger, offer_forks, made_again, only_plans=dry).follow(
        {name: run.n_samples * run.n_seeds for name, run in RUNS.items()}, located, simulations_of
    )
