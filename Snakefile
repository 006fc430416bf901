# For snakemake in a clone; the workflow is in workflow/, where the Snakemake catalogue and modules look for it.
include: "workflow/Snakefile"


workflow.default_target = "all"  # an include never sets it
