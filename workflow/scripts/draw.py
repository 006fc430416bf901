"""Draw the figures of a run."""

from pathlib import Path

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration.look import Figures
    from jaxmorph.jobs.draw import draw_figures

    draw_figures(
        snakemake.params.figures,
        snakemake.input.sensitivity,
        snakemake.input.checks,
        snakemake.input.optimisation,
        Path(snakemake.output[0]).parent,
        Figures.from_plain(snakemake.params.look),
    )
