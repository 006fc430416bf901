# Several runs beside each other: their differences, and the page that shows them.


def compared(file):
    """A function that gives this file of every run that a comparison has."""
    return lambda wildcards: expand("results/{run}/" + file, run=COMPARISONS[wildcards.comparison])


def compared_batches(wildcards):
    """The batches of all of them: differences are taken simulation by simulation."""
    runs = COMPARISONS[wildcards.comparison]
    return [file for run in runs for file in batches(SimpleNamespace(run=run))]


def compared_params(wildcards):
    """What was asked of each, as it is cut."""
    runs = COMPARISONS[wildcards.comparison]
    return [[run, cut(run).estimates.plain()] for run in runs]


def needs_of_largest(resource):
    """A function for ``resources``: what the estimates of the largest run need."""

    def amount(wildcards, input, attempt):
        runs = COMPARISONS[wildcards.comparison]
        return max(
            getattr(need("sensitivity", cut(run).run, attempt, cost=str(cost)), resource)
            for run, cost in zip(runs, input.cost)
        )

    return amount


rule compare:
    input:
        sensitivity=compared("sensitivity.nc"),
        design=compared("design.nc"),
        batches=compared_batches,
        cost=lambda wildcards: ancient(compared("cost.json")(wildcards)),
    output:
        "results/compare-{comparison}/comparison.nc",
    log:
        "logs/compare-{comparison}/comparison.log",
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs_of_largest("mem_mb"),
        runtime=needs_of_largest("runtime"),
    params:
        runs=compared_params,
    script:
        "../scripts/compare.py"


rule comparison_page:
    input:
        "results/compare-{comparison}/comparison.nc",
    output:
        report(
            "results/compare-{comparison}/report.html",
            caption="../report/comparison.rst",
            category="compare-{comparison}",
            labels={"page": "comparison"},
        ),
    log:
        "logs/compare-{comparison}/report.log",
    localrule: True
    conda:
        "../../envs/jaxmorph.yaml"
    script:
        "../scripts/comparison_page.py"


rule comparisons:
    input:
        comparison_files(),
