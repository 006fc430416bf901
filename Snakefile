# From a configuration to sensitivity reports. Start with README.md and config/config.yaml.
from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/terminal.smk"


report: "workflow/report/workflow.rst"


# Only used where it is asked for: docs/cluster.md.
container: "envs/jaxmorph.sif"


wildcard_constraints:
    run="|".join(map(re.escape, RUNS)),
    batch=r"\d+-\d+",
    figure="[a-z_]+",
    starts=r"\d+",


# Seconds of work each, done beside the main process: on a cluster, on the login node.
localrules:
    all,
    design,
    figures,
    animations,
    page,
    provenance,


rule all:
    default_target: True
    input:
        # What is missing or damaged is made again, not only the report.
        all_of(run_files),
        *batches_of_each(),


include: "workflow/rules/simulate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/optimise.smk"
include: "workflow/rules/report.smk"


onsuccess:
    sweep()
    print_reports()
