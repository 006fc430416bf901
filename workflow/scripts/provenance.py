"""Say where every file of a run comes from, for a paper's methods section."""

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.configuration import Run
    from jaxmorph.jobs.account import write_provenance

    write_provenance(
        snakemake.wildcards.run,
        Run.from_plain(snakemake.params.run),
        snakemake.input,
        snakemake.output[0],
    )
