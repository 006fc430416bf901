"""Check what an optimisation asks of its study."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import ObjectiveSpecification
    from jaxmorph.jobs.optimise import describe_objective

    describe_objective(
        snakemake.wildcards.run,
        ObjectiveSpecification.from_plain(snakemake.params.objective),
        snakemake.output[0],
    )
