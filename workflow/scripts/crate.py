"""Write a run as an RO-Crate."""

from pathlib import Path

from jaxmorph.jobs import job

with job(snakemake):
    from jaxmorph.command.main import snakefile
    from jaxmorph.jobs.crate import write_crate

    output = Path(snakemake.output[0])
    write_crate(output.parent, snakefile(), output)
