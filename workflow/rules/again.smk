# Finished files that are made again: what is damaged, what was made of something else, and why.
from jaxmorph.jobs import AFRESH
from jaxmorph.upkeep import Finished, in_words

FINISHED = Finished(
    {
        name: Path(located(f"results/{name}"))
        for name in (*RUNS, *(f"compare-{name}" for name in COMPARISONS))
    },
    SPECIFICATIONS,
    writes=not only_looks(),
)


def mark_what_is_damaged():
    """Have Snakemake make damaged files again, and say so."""
    for path in FINISHED.damaged:
        FINISHED.records.mark(path)
    for line in in_words(FINISHED.damaged):
        warn_once(f"{line}; made again when it is needed")


def made_again():
    """Lines on what this command makes again of what is finished, and why."""
    dag = workflow.dag
    return FINISHED.again(
        (job, dag.reason(job)) for job in dag.needrun_jobs(exclude_finished=False)
    )


def make_afresh():
    """Have jobs compute again what this command forces, though a file is whole and of the same question."""
    if asked_for("force", "forceall", "forcerun"):
        os.environ[AFRESH] = "1"
