"""Optimise from some starts."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.jobs.optimise import optimise_starts

    optimise_starts(
        snakemake.wildcards.run,
        snakemake.params.starts,
        snakemake.input.objective,
        snakemake.output[0],
        code=snakemake.params.get("code", ""),
    )
