"""What several tests share: synthetic data, studies of their own, whole runs of the workflow."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SUPPORT = Path(__file__).parent
