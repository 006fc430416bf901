"""Write the page of a comparison."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.jobs.compare import write_comparison

    write_comparison(snakemake.wildcards.comparison, snakemake.input[0], snakemake.output[0])
