# The design, from batches to estimates, and from estimates to pictures.


rule design:
    input:
        study="results/{run}/study.json",
    output:
        design="results/{run}/design.nc",
        record="results/{run}/design.json",
    log:
        "logs/{run}/design.log",
    benchmark:
        "logs/benchmarks/{run}/design.tsv"
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        run=design_params,
    script:
        "../scripts/design.py"


rule sensitivity:
    input:
        design="results/{run}/design.nc",
        batches=batches,
        cost=ancient("results/{run}/cost.json"),
    output:
        "results/{run}/sensitivity.nc",
    log:
        "logs/{run}/sensitivity.log",
    benchmark:
        "logs/benchmarks/{run}/sensitivity.tsv"
    priority: 20  # all figures wait for it
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("sensitivity", "mem_mb"),
        runtime=needs("sensitivity", "runtime"),
    params:
        run=estimates_params,
    script:
        "../scripts/sensitivity.py"


rule figure:
    input:
        sensitivity=sensitivity_of_figure,
        checks=checks_of_figure,
        optimisation=optimisation_of_figure,
    output:
        svg=report(
            "results/{run}/figures/{figure}.svg",
            caption="../report/figure.rst",
            category="{run}",
            labels=figure_labels,
        ),
        pdf="results/{run}/figures/{figure}.pdf",
        csv="results/{run}/figures/{figure}.csv",
    log:
        "logs/{run}/figures/{figure}.log",
    benchmark:
        "logs/benchmarks/{run}/figures/{figure}.tsv"
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        title=figure_title,
        reading=figure_reading,
    script:
        "../scripts/figure.py"


rule figures:
    input:
        all_of(figure_files),
