"""Write the report of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.configuration.specify import Specifications
    from jaxmorph.jobs.page import write_page

    run = Run.from_plain(snakemake.params.run)
    write_page(
        snakemake.wildcards.run,
        run,
        snakemake.input.sensitivity,
        snakemake.input.checks,
        snakemake.input.optimisation,
        snakemake.input.animations,
        snakemake.output[0],
        specs=Specifications(run),
    )
