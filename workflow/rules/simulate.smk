# Simulation: the rules that run JAX.


# The first job of a run: whether its study has what the configuration asks for, and can be differentiated.
rule study:
    output:
        study="results/{run}/study.json",
        cost="results/{run}/cost.json",
    log:
        "logs/{run}/study.log",
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("study", "mem_mb"),
        runtime=needs("study", "runtime"),
    params:
        study=study_params,
    script:
        "../scripts/study.py"


# How a run with batch: auto is cut, for which what a simulation costs must be known. What was settled for the
# same question stays. (Of study.json nothing is read: while a rule above is to be rerun, Snakemake does not
# look whether the params below have changed.)
checkpoint cut:
    input:
        study="results/{run}/study.json",
        cost=ancient("results/{run}/cost.json"),
    output:
        update("results/{run}/cut.json"),
    log:
        "logs/{run}/cut.log",
    priority: 50  # batches wait for it
    localrule: True
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        question=question,
    script:
        "../scripts/cut.py"


# All that decides a batch is in its params, not in design.nc: growing a run reruns no finished batch.
rule batch:
    input:
        study="results/{run}/study.json",
        cost=ancient("results/{run}/cost.json"),
        cut=cut_file,
    output:
        update("results/{run}/batches/{batch}.nc"),  # kept if it is made of the same
    log:
        "logs/{run}/batches/{batch}.log",
    priority: 20
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("batch", "mem_mb"),
        runtime=needs("batch", "runtime"),
    params:
        batch=batch_params,
    script:
        "../scripts/batch.py"


rule corners:
    input:
        study="results/{run}/study.json",
        cost=ancient("results/{run}/cost.json"),
    output:
        "results/{run}/corners.nc",
    log:
        "logs/{run}/corners.log",
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("corners", "mem_mb"),
        runtime=needs("corners", "runtime"),
    params:
        corners=corner_params,
    script:
        "../scripts/corners.py"


rule checks:
    input:
        study="results/{run}/study.json",
        cost=ancient("results/{run}/cost.json"),
    output:
        update("results/{run}/checks.nc"),
    log:
        "logs/{run}/checks.log",
    priority: 30  # of a small run the longest job; for it waits all that is made of the estimates
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("checks", "mem_mb"),
        runtime=needs("checks", "runtime"),
    params:
        checks=check_params,
    script:
        "../scripts/checks.py"
