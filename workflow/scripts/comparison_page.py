"""Write the page of a comparison."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.configuration.specify import Specifications
    from jaxmorph.jobs.compare import identity_of, write_comparison

    runs = [(name, Specifications(Run.from_plain(run))) for name, run in snakemake.params.runs]
    write_comparison(
        snakemake.wildcards.comparison,
        snakemake.input.comparison,
        snakemake.output[0],
        identity_of(runs),
    )
