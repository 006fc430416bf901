#!/bin/sh
# Snakemake runs this once in the new environment, from the directory of the workflow.
set -eu
python -m pip install --quiet --no-build-isolation --no-deps --no-index --editable .
