"""Sections of the settings: how long the node waits, how often it tries, what it keeps."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JobsSettings(_Section):
    """Leases, attempts and the growth of the pause between tries."""

    lease_s: Annotated[float, Field(gt=0)] = 120.0
    heartbeat_s: Annotated[float, Field(gt=0)] = 15.0
    sweep_s: Annotated[float, Field(gt=0)] = 0.5
    max_attempts: Annotated[int, Field(ge=1)] = 3
    retry_first_s: Annotated[float, Field(gt=0)] = 5.0
    retry_longest_s: Annotated[float, Field(gt=0)] = 300.0
    unheard_s: Annotated[float, Field(gt=0)] = 60.0
    delivery_hours: Annotated[float, Field(gt=0)] = 48.0


class CommitmentSettings(_Section):
    """Storage commitment: how long replies are waited for, and what is done without one."""

    hold_s: Annotated[float, Field(ge=0, le=60)] = 2.0
    reply_s: Annotated[float, Field(gt=0)] = 1800.0
    reply_longest_s: Annotated[float, Field(gt=0)] = 14_400.0
    hours: Annotated[float, Field(gt=0)] = 48.0
    max_resends: Annotated[int, Field(ge=0)] = 2


class RetentionSettings(_Section):
    """How long files and records are kept after a series has ended; 0: for ever."""

    sources_days: Annotated[float, Field(ge=0)] = 30.0
    results_days: Annotated[float, Field(ge=0)] = 30.0
    failed_days: Annotated[float, Field(ge=0)] = 90.0
    records_days: Annotated[float, Field(ge=0)] = 365.0
    early_hours: Annotated[float, Field(ge=0)] = 24.0
