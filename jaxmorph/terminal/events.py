"""What a record of Snakemake's logger tells of."""

import logging


def event_of(record: logging.LogRecord) -> str:
    """The name of the event, empty if it is only a text (``snakemake.logging``)."""
    return str(getattr(getattr(record, "event", None), "value", ""))
