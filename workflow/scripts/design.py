"""Check the run against its study and write its design."""

from jaxmorph.jobs import job

with job(snakemake.log[0]):
    from jaxmorph.jobs.simulate import make_design

    make_design(snakemake.wildcards.run, snakemake.params.run, snakemake.output[0])
