"""Simulate one slab of samples x seeds, with gradients."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.jobs.simulate import evaluate_batch

    evaluate_batch(
        snakemake.wildcards.run,
        snakemake.params.batch,
        snakemake.output[0],
        code=snakemake.params.get("code", ""),
    )
