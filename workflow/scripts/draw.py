"""Draw the figures of a run."""

from pathlib import Path

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.configuration.look import Figures
    from jaxmorph.configuration.sections import Findings
    from jaxmorph.configuration.specify import Specifications
    from jaxmorph.jobs.draw import draw_figures

    draw_figures(
        snakemake.params.figures,
        snakemake.input.sensitivity,
        snakemake.input.checks,
        snakemake.input.optimisation,
        Findings.from_plain(snakemake.params.findings),
        Path(snakemake.output[0]).parent,
        Figures.from_plain(snakemake.params.look),
        Specifications(Run.from_plain(snakemake.params.run)),
    )
