"""Animate the corners of parameter space."""

from jaxmorph.jobs import job

with job(snakemake.log[0]):
    from jaxmorph.jobs.present import animate_corners

    animate_corners(snakemake.input.corners, snakemake.output[0])
