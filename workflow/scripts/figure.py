"""Draw one figure of a run."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.jobs.draw import draw_figure

    draw_figure(
        snakemake.wildcards.figure,
        snakemake.input.sensitivity,
        snakemake.input.checks,
        snakemake.input.optimisation,
        snakemake.output.svg.removesuffix(".svg"),
    )
