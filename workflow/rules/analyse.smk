# The design, from batches to estimates, and from estimates to pictures.


rule design:
    input:
        study="results/{run}/study.json",
        cut=cut_file,
    output:
        design="results/{run}/design.nc",
        record="results/{run}/design.json",
    log:
        "logs/{run}/design.log",
    priority: 50  # checks wait for it
    localrule: True
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
        checks=checks,
        cost=ancient("results/{run}/cost.json"),
    output:
        "results/{run}/sensitivity.nc",
    log:
        "logs/{run}/sensitivity.log",
    priority: 40  # all figures wait for it
    conda:
        "../../envs/jaxmorph.yaml"
    resources:
        mem_mb=needs("sensitivity", "mem_mb"),
        runtime=needs("sensitivity", "runtime"),
    params:
        run=estimates_params,
        estimators=code_of_estimators,
    script:
        "../scripts/sensitivity.py"


# One job a run: nearly all the time of a single figure would be the start of its process. Which files it
# has is known only of a run, so that runs with the same have a rule, named after the first of them.
for ALIKE in alike(lambda run: (*figures_of(run), *RUNS[run].figures.endings)):

    rule:
        name:
            f"draw_{ALIKE[0]}"
        input:
            sensitivity="results/{run}/sensitivity.nc",
            checks=checks,
            optimisation=optimisation,
            cut=cut_file,
        output:
            figure_outputs(ALIKE[0]),
        log:
            "logs/{run}/figures.log",
        wildcard_constraints:
            run=any_of(ALIKE),
        priority: 40
        localrule: True
        conda:
            "../../envs/jaxmorph.yaml"
        params:
            run=shown_params,
            figures=lambda wildcards: figures_of(known(wildcards.run)),
            findings=lambda wildcards: RUNS[known(wildcards.run)].findings.plain(),
            look=lambda wildcards: RUNS[known(wildcards.run)].figures.plain(),
        script:
            "../scripts/draw.py"


rule figures:
    input:
        all_of(figure_files),
