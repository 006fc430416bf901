# Design and simulation: the rules that run JAX.


rule design:
    input:
        study=study_file,
    output:
        "results/{run}/design.nc",
    log:
        "logs/{run}/design.log",
    benchmark:
        "benchmarks/{run}/design.tsv"
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        run=run_params,
    script:
        "../scripts/design.py"


# A design that has grown keeps its old points: it reruns no batch. What decides a batch is in its params.
rule batch:
    input:
        design=ancient("results/{run}/design.nc"),
        study=study_file,
    output:
        "results/{run}/batches/{batch}.nc",
    log:
        "logs/{run}/batches/{batch}.log",
    benchmark:
        "benchmarks/{run}/batches/{batch}.tsv"
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        batch=batch_params,
    script:
        "../scripts/batch.py"


rule corners:
    input:
        design=ancient("results/{run}/design.nc"),
        study=study_file,
    output:
        "results/{run}/corners.nc",
    log:
        "logs/{run}/corners.log",
    benchmark:
        "benchmarks/{run}/corners.tsv"
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        corners=corner_params,
    script:
        "../scripts/corners.py"


rule checks:
    input:
        design="results/{run}/design.nc",
        study=study_file,
    output:
        "results/{run}/checks.nc",
    log:
        "logs/{run}/checks.log",
    benchmark:
        "benchmarks/{run}/checks.tsv"
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        checks=check_params,
    script:
        "../scripts/checks.py"
