"""Simulate one slab of samples x seeds, with gradients."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import BatchSpecification
    from jaxmorph.jobs.kept import is_kept
    from jaxmorph.jobs.simulate import evaluate_batch

    spec = BatchSpecification.from_plain(snakemake.params.batch)
    if not is_kept(snakemake.output[0], "batch", spec.identity):
        evaluate_batch(
            snakemake.wildcards.run,
            spec,
            snakemake.output[0],
        )
