# Animations, and the one page for someone who was not there.


# One job a run, as of figures; which films it has is known only of a run.
for RUN in RUNS:

    rule:
        name:
            f"film_{RUN}"
        input:
            trajectories=trajectories_of(RUN),
            corners=f"results/{RUN}/corners.nc",
            optimisation_cells=optimisation_cells(RUN),
            cut=cut_file(SimpleNamespace(run=RUN)),
        output:
            film_outputs(RUN),
        log:
            f"logs/{RUN}/films.log",
        localrule: True
        conda:
            "../../envs/jaxmorph.yaml"
        params:
            run=shown_params(RUN),
            animation=RUNS[RUN].animation.plain(),
        script:
            "../scripts/films.py"


rule animations:
    input:
        all_of(animation_files),


rule page:
    input:
        cut=cut_file,
        sensitivity="results/{run}/sensitivity.nc",
        checks=checks,
        optimisation=optimisation,
        figures=figure_files,
        animations=animation_files,
        list=film_list,
    output:
        report(
            "results/{run}/report.html",
            caption="../report/report.rst",
            category="{run}",
            labels={"page": "report"},
        ),
    log:
        "logs/{run}/report.log",
    localrule: True
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        run=run_params,
    script:
        "../scripts/page.py"


rule provenance:
    input:
        batches=batches,
        design="results/{run}/design.nc",
        corners="results/{run}/corners.nc",
        checks=checks,
        sensitivity="results/{run}/sensitivity.nc",
    output:
        "results/{run}/provenance.json",
    log:
        "logs/{run}/provenance.log",
    localrule: True
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        run=run_params,
    script:
        "../scripts/provenance.py"
