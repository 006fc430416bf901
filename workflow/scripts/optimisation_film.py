"""Animate the best start of an optimisation before and after."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration.sections import Animation
    from jaxmorph.jobs.animate import animate_before_and_after

    animate_before_and_after(
        snakemake.input.cells, Animation.from_plain(snakemake.params.animation), snakemake.output[0]
    )
