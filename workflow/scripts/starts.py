"""Optimise from some starts."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import StartsSpecification
    from jaxmorph.jobs.kept import is_kept
    from jaxmorph.jobs.optimise import optimise_starts

    spec = StartsSpecification.from_plain(snakemake.params.starts)
    if not is_kept(snakemake.output[0], "starts", spec.identity):
        optimise_starts(
            snakemake.wildcards.run,
            spec,
            snakemake.input.objective,
            snakemake.output[0],
        )
