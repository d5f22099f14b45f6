"""Sections of the settings: how often the node tries, what it keeps, and where people look."""

from typing import Annotated

from pydantic import Field

from node.settings.section import Port, Section


class JobsSettings(Section):
    """Leases, attempts and the growth of the pause between tries."""

    lease_s: Annotated[float, Field(gt=0)] = 120.0
    heartbeat_s: Annotated[float, Field(gt=0)] = 15.0
    sweep_s: Annotated[float, Field(gt=0)] = 0.5
    max_attempts: Annotated[int, Field(ge=1)] = 3
    retry_first_s: Annotated[float, Field(gt=0)] = 5.0
    retry_longest_s: Annotated[float, Field(gt=0)] = 300.0
    unheard_s: Annotated[float, Field(gt=0)] = 60.0
    delivery_hours: Annotated[float, Field(gt=0)] = 48.0


class SpoolSettings(Section):
    """The marks of the disk: little room, and none for anything more that is received."""

    low_free_gib: Annotated[float, Field(ge=0)] = 10.0
    min_free_gib: Annotated[float, Field(ge=0)] = 2.0


class RetentionSettings(Section):
    """How long files and records are kept after a series has ended; 0: for ever."""

    sources_days: Annotated[float, Field(ge=0)] = 30.0
    results_days: Annotated[float, Field(ge=0)] = 30.0
    failed_days: Annotated[float, Field(ge=0)] = 90.0
    records_days: Annotated[float, Field(ge=0)] = 365.0
    early_hours: Annotated[float, Field(ge=0)] = 24.0


class StatusSettings(Section):
    """Where the status page listens."""

    host: str = "127.0.0.1"
    port: Port = 8050
