"""Make the films of a run."""

from pathlib import Path

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.configuration.sections import Animation
    from jaxmorph.configuration.specify import Specifications
    from jaxmorph.jobs.animate import make_films

    make_films(
        Animation.from_plain(snakemake.params.animation),
        snakemake.input.trajectories,
        snakemake.input.corners,
        snakemake.input.optimisation_cells,
        Path(snakemake.output[0]).parent,
        Specifications(Run.from_plain(snakemake.params.run)),
    )
