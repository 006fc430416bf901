"""Animate the best start of an optimisation before and after."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.jobs.animate import animate_before_and_after

    animate_before_and_after(snakemake.input.cells, snakemake.params.animation, snakemake.output[0])
