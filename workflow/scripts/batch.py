"""Simulate one slab of samples x seeds, with gradients."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import BatchSpecification
    from jaxmorph.jobs.simulate import evaluate_batch

    evaluate_batch(
        snakemake.wildcards.run,
        BatchSpecification.from_plain(snakemake.params.batch),
        snakemake.output[0],
    )
