# Animations, and the one page for someone who was not there.


# One job a run, as of figures; which films it has is known only of a run.
for ALIKE in alike(film_names):

    rule:
        name:
            f"film_{ALIKE[0]}"
        input:
            trajectories=trajectories,
            corners="results/{run}/corners.nc",
            optimisation_cells=optimisation_cells,
            cut=cut_file,
        output:
            film_outputs(ALIKE[0]),
        log:
            "logs/{run}/films.log",
        wildcard_constraints:
            run=any_of(ALIKE),
        localrule: True
        conda:
            "../../envs/jaxmorph.yaml"
        params:
            run=shown_params,
            animation=lambda wildcards: RUNS[known(wildcards.run)].animation.plain(),
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
        figures=a_figure,
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


# Asked for by name alone: snakemake results/NAME/ro-crate.zip
rule crate:
    input:
        files=lambda wildcards: run_files(wildcards),
        checks=checks,
        batches=batches,
    output:
        "results/{run}/ro-crate.zip",
    log:
        "logs/{run}/crate.log",
    localrule: True
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        run=run_params,
    script:
        "../scripts/crate.py"
