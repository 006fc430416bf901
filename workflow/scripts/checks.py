"""Hold automatic gradients against finite differences."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import ChecksSpecification
    from jaxmorph.jobs.simulate import check_gradients

    check_gradients(
        snakemake.wildcards.run,
        ChecksSpecification.from_plain(snakemake.params.checks),
        snakemake.output[0],
    )
