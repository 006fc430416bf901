"""Hold automatic gradients against finite differences."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.jobs.simulate import check_gradients

    check_gradients(
        snakemake.wildcards.run,
        snakemake.params.checks,
        snakemake.input.design,
        snakemake.output[0],
    )
