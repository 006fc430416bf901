# Several runs beside each other: their differences, and the page that shows them.


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
        estimators=code_of_estimators,
    script:
        "../scripts/compare.py"


rule comparison_page:
    input:
        comparison="results/compare-{comparison}/comparison.nc",
        cuts=compared_cuts,
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
    params:
        runs=compared_params,
    script:
        "../scripts/comparison_page.py"


rule comparisons:
    input:
        comparison_files(),
