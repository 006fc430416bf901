"""Make the design of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.jobs.analyse import write_design

    write_design(
        snakemake.wildcards.run,
        Run.from_plain(snakemake.params.run),
        snakemake.input.study,
        snakemake.output.design,
        snakemake.output.record,
    )
