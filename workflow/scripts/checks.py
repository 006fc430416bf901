"""Hold automatic gradients against finite differences."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import ChecksSpecification
    from jaxmorph.jobs.kept import is_kept
    from jaxmorph.jobs.simulate import check_gradients

    spec = ChecksSpecification.from_plain(snakemake.params.checks)
    if not is_kept(snakemake.output[0], "checks", spec.identity):
        check_gradients(
            snakemake.wildcards.run,
            spec,
            snakemake.output[0],
        )
