"""Simulate the corners of parameter space."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.specifications import CornersSpecification
    from jaxmorph.jobs.simulate import simulate_corners

    simulate_corners(
        snakemake.wildcards.run,
        CornersSpecification.from_plain(snakemake.params.corners),
        snakemake.output[0],
    )
