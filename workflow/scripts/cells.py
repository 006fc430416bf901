"""Animate one simulation of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.jobs.animate import animate_cells

    animate_cells(snakemake.input.batches, snakemake.params.animation, snakemake.output[0])
