"""Animate the corners of parameter space."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration.sections import Animation
    from jaxmorph.jobs.animate import animate_corners

    animate_corners(
        snakemake.input.corners, Animation.from_plain(snakemake.params.animation), snakemake.output[0]
    )
