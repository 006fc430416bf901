"""Make the design of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.jobs.analyse import make_design

    make_design(
        snakemake.wildcards.run,
        Run.from_plain(snakemake.params.run),
        snakemake.input.study,
        snakemake.output.design,
        snakemake.output.record,
    )
