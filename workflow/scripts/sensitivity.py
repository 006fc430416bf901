"""Estimate sensitivities from all batches of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.jobs.analyse import estimate_sensitivity

    estimate_sensitivity(
        snakemake.wildcards.run,
        Run.from_plain(snakemake.params.run),
        snakemake.input.design,
        snakemake.input.batches,
        snakemake.input.checks,
        snakemake.output[0],
    )
