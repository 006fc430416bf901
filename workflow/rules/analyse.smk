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
    script:
        "../scripts/sensitivity.py"


# One job a run: nearly all the time of a single figure would be the start of its process. Which files it
# has is known only of a run, so that each has a rule of its own.
for RUN in RUNS:

    rule:
        name:
            f"draw_{RUN}"
        input:
            sensitivity=f"results/{RUN}/sensitivity.nc",
            checks=checks(SimpleNamespace(run=RUN)),
            optimisation=optimisation(SimpleNamespace(run=RUN)),
            cut=cut_file(SimpleNamespace(run=RUN)),
        output:
            figure_outputs(RUN),
        log:
            f"logs/{RUN}/figures.log",
        priority: 40
        localrule: True
        conda:
            "../../envs/jaxmorph.yaml"
        params:
            run=shown_params(RUN),
            figures=figures_of(RUN),
            findings=RUNS[RUN].findings.plain(),
            look=RUNS[RUN].figures.plain(),
        script:
            "../scripts/draw.py"


rule figures:
    input:
        all_of(figure_files),
