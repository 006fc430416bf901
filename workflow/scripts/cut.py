"""Settle how a run is cut."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.jobs.study import settle_cut

    settle_cut(
        snakemake.params.question,
        # No params: a run that grows keeps its cut.
        **snakemake.config["cuts"][snakemake.wildcards.run],
        cost=snakemake.input.cost,
        output=snakemake.output[0],
    )
