"""Check what an optimisation asks of its study."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.jobs.optimise import describe_objective

    describe_objective(snakemake.wildcards.run, snakemake.params.objective, snakemake.output[0])
