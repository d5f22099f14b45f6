"""Sections of the settings: how often the node tries, and what it keeps."""

from typing import Annotated

from pydantic import Field

from node.settings.section import Section


class JobsSettings(Section):
    """Leases, attempts and the growth of the pause between tries."""

    lease_s: Annotated[float, Field(gt=0)] = 120.0
    """How long a step may be silent before another worker takes it [s]."""
    heartbeat_s: Annotated[float, Field(gt=0)] = 15.0
    """How often a step says that it lives [s]."""
    sweep_s: Annotated[float, Field(gt=0)] = 0.5
    """How often due work is looked for [s]."""
    ahead: bool = True
    """Whether a whole series is examined during its grace already; nothing is made before."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """Tries of an analysis."""
    retry_first_s: Annotated[float, Field(gt=0)] = 5.0
    """First pause before another try [s]."""
    retry_longest_s: Annotated[float, Field(gt=0)] = 300.0
    """Longest pause [s]."""
    unheard_s: Annotated[float, Field(gt=0)] = 60.0
    """How long wake-ups may wait for an idle worker until it ends, to be started again [s]."""
    delivery_hours: Annotated[float, Field(gt=0)] = 48.0
    """How long a destination may be away [h]."""


class SpoolSettings(Section):
    """The marks of the disk: little room, and none for anything more that is received."""

    low_free_gib: Annotated[float, Field(ge=0)] = 10.0
    """Soft mark of the disk: under it an alert, and finished studies expire early [GiB]."""
    min_free_gib: Annotated[float, Field(ge=0)] = 2.0
    """Hard mark of the disk: under it nothing is received; results are still kept [GiB]."""


class RetentionSettings(Section):
    """How long files and records are kept after a series has ended; 0: for ever."""

    sources_days: Annotated[float, Field(ge=0)] = 30.0
    """How long the images of a finished series are kept; 0: for ever [d]."""
    results_days: Annotated[float, Field(ge=0)] = 30.0
    """How long its results are kept here, once they are in every archive; 0: for ever [d]."""
    failed_days: Annotated[float, Field(ge=0)] = 90.0
    """How long both are kept of what failed, was refused or cancelled; 0: for ever [d]."""
    records_days: Annotated[float, Field(ge=0)] = 365.0
    """How long the record of a series is kept whose files are deleted; 0: for ever [d]."""
    early_hours: Annotated[float, Field(ge=0)] = 24.0
    """Under the soft mark, finished series may go from this age on [h]."""


class LogSettings(Section):
    """Log lines that are kept below data_dir, besides those that go to standard error."""

    days: Annotated[int, Field(ge=0)] = 14
    """How many days they are kept; 0: none is kept [d]."""
    max_mib: Annotated[float, Field(gt=0)] = 256.0
    """Most that a day may take; lines after that are not kept [MiB]."""
