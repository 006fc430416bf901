"""Write the report of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.jobs.page import write_page

    write_page(
        snakemake.wildcards.run,
        Run.from_plain(snakemake.params.run),
        snakemake.input.sensitivity,
        snakemake.input.checks,
        snakemake.input.optimisation,
        snakemake.input.animations,
        snakemake.output[0],
    )
