"""Optimise from some starts."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import StartsSpecification
    from jaxmorph.jobs.optimise import optimise_starts

    optimise_starts(
        snakemake.wildcards.run,
        StartsSpecification.from_plain(snakemake.params.starts),
        snakemake.input.objective,
        snakemake.output[0],
    )
