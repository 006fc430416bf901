# Animations, and the one page for someone who was not there.


rule cells:
    input:
        batches=trajectory_batches,
    output:
        report(
            "results/{run}/animations/cells.mp4",
            caption="../report/cells.rst",
            category="{run}",
            labels={"animation": "cells"},
        ),
    log:
        "logs/{run}/cells.log",
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        animation=animation_params,
    script:
        "../scripts/cells.py"


rule corner_cells:
    input:
        corners="results/{run}/corners.nc",
    output:
        report(
            "results/{run}/animations/corners.mp4",
            caption="../report/corners.rst",
            category="{run}",
            labels={"animation": "corners"},
        ),
    log:
        "logs/{run}/corner_cells.log",
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        animation=animation_params,
    script:
        "../scripts/corner_cells.py"


rule optimisation_film:
    input:
        cells="results/{run}/optimisation_cells.nc",
    output:
        report(
            "results/{run}/animations/optimisation.mp4",
            caption="../report/optimisation.rst",
            category="{run}",
            labels={"animation": "optimisation"},
        ),
    log:
        "logs/{run}/optimisation_film.log",
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        animation=animation_params,
    script:
        "../scripts/optimisation_film.py"


rule animations:
    input:
        all_of(animation_files),


rule page:
    input:
        sensitivity="results/{run}/sensitivity.nc",
        checks=checks,
        optimisation=optimisation,
        figures=figure_files,
        animations=animation_files,
    output:
        report(
            "results/{run}/report.html",
            caption="../report/report.rst",
            category="{run}",
            labels={"page": "report"},
        ),
    log:
        "logs/{run}/report.log",
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
    conda:
        "../../envs/jaxmorph.yaml"
    params:
        run=run_params,
    script:
        "../scripts/provenance.py"
