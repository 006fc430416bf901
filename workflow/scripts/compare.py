"""Compare some runs with the first of them."""

from pathlib import Path

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.configuration.specify import Specifications
    from jaxmorph.jobs.compare import Compared, compare_runs

    compare_runs(
        snakemake.wildcards.comparison,
        [
            Compared(name, Specifications(Run.from_plain(run)), Path(file).parent)
            for (name, run), file in zip(snakemake.params.runs, snakemake.input.sensitivity, strict=True)
        ],
        snakemake.output[0],
    )
