"""Check a run against its study, and describe both."""

from jaxmorph.jobs import job

with job(snakemake, computes=True):
    from jaxmorph.configuration.look import Figures
    from jaxmorph.configuration.optimise import Optimise
    from jaxmorph.configuration.sections import Animation, Findings, TimeSummary
    from jaxmorph.configuration.specifications import StudySpecification
    from jaxmorph.jobs.study import describe_study

    asked = snakemake.config["searches"][snakemake.wildcards.run]
    describe_study(
        snakemake.wildcards.run,
        StudySpecification.from_plain(snakemake.params.study),
        # No params: another colour must not have all made again, nor may a run that grows.
        Animation.from_plain(snakemake.config["animations"][snakemake.wildcards.run]),
        snakemake.config["cuts"][snakemake.wildcards.run]["n_seeds"],
        snakemake.output.study,
        snakemake.output.cost,
        n_samples=snakemake.config["cuts"][snakemake.wildcards.run]["n_samples"],
        figures=Figures.from_plain(snakemake.config["looks"][snakemake.wildcards.run]),
        findings=Findings.from_plain(snakemake.config["findings"][snakemake.wildcards.run]),
        summaries={
            name: TimeSummary.from_plain(plain)
            for name, plain in snakemake.config["summaries"][snakemake.wildcards.run].items()
        },
        optimise=None if asked is None else Optimise.from_plain(asked),
    )
