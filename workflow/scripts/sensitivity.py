"""Estimate sensitivities from all batches of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.jobs.analyse import estimate_sensitivity

    estimate_sensitivity(
        snakemake.wildcards.run,
        snakemake.params.run,
        snakemake.input.design,
        snakemake.input.batches,
        snakemake.output[0],
    )
