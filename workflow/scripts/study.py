"""Check a run against its study, and describe both."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.jobs.simulate import describe_study

    describe_study(
        snakemake.wildcards.run,
        snakemake.params.study,
        snakemake.output.study,
        snakemake.output.cost,
        # Not a param: another colour must not have all made again.
        snakemake.config["runs"][snakemake.wildcards.run].get("animation"),
    )
