# From a configuration to sensitivity reports. Start with README.md and config/config.yaml.
from snakemake.utils import min_version

min_version("9.0")


CONFIG_FILE = "config/config.yaml"


configfile: CONFIG_FILE


include: "workflow/rules/common.smk"


report: "workflow/report/workflow.rst"


wildcard_constraints:
    run="|".join(map(re.escape, RUNS)),
    batch=r"\d+-\d+",
    figure="[a-z_]+",


localrules:
    all,
    figures,
    animations,


rule all:
    default_target: True
    input:
        expand("results/{run}/report.html", run=RUNS),


include: "workflow/rules/simulate.smk"
include: "workflow/rules/analyse.smk"
include: "workflow/rules/report.smk"


onsuccess:
    atexit.register(print_reports)
