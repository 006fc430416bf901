# Optimisation, of the runs that have one: all starts in a few jobs, then what came of them.


# The first job of an optimisation: whether the study can have what is asked of it.
rule objective:
    input:
        study="results/{run}/study.json",
        data=objective_data,
        cost=ancient("results/{run}/cost.json"),
    output:
        "results/{run}/optimisation/objective.json",
    log:
        "logs/{run}/objective.log",
    priority: 45  # a mistake is said before anything large starts
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("objective", "mem_mb"),
        runtime=needs("objective", "runtime"),
    params:
        objective=objective_params,
    script:
        "../scripts/objective.py"


rule starts:
    input:
        objective="results/{run}/optimisation/objective.json",
        cost=ancient("results/{run}/cost.json"),
    output:
        update("results/{run}/optimisation/starts-{starts}.nc"),
    log:
        "logs/{run}/optimisation/starts-{starts}.log",
    priority: 20
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("starts", "mem_mb"),
        runtime=needs("starts", "runtime"),
    params:
        starts=start_params,
    script:
        "../scripts/starts.py"


rule optimisation:
    input:
        objective="results/{run}/optimisation/objective.json",
        starts=start_files,
        cost=ancient("results/{run}/cost.json"),
    output:
        optimisation="results/{run}/optimisation.nc",
        cells="results/{run}/optimisation_cells.nc",
    log:
        "logs/{run}/optimisation.log",
    priority: 40
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("optimisation", "mem_mb"),
        runtime=needs("optimisation", "runtime"),
    params:
        optimisation=optimisation_params,
    script:
        "../scripts/optimisation.py"
