"""Measure what came of all starts, on fresh seeds."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import OptimisationSpecification
    from jaxmorph.jobs.optimise import collect_optimisation

    collect_optimisation(
        snakemake.wildcards.run,
        OptimisationSpecification.from_plain(snakemake.params.optimisation),
        snakemake.input.objective,
        snakemake.input.starts,
        snakemake.output.optimisation,
        snakemake.output.cells,
    )
