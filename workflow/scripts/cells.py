"""Animate one simulation of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration.sections import Animation
    from jaxmorph.jobs.animate import animate_cells

    animate_cells(
        snakemake.input.batches, Animation.from_plain(snakemake.params.animation), snakemake.output[0]
    )
