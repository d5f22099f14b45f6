"""The stages of an analysis: timed, told and logged."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from node import log

STAGES = ("recognise", "stack", "motion", "prepare", "predict", "lesion", "encode", "keep")
"""The stages of an analysis, in order; what is made is kept meanwhile, and ``keep`` is the rest."""

Progress = Callable[[str, float], None]
"""Called with the stage and how much of it is done, 0 to 1."""

_LOG = log.get("route")


def unwatched(_stage: str, _done: float) -> None:
    """Nobody watches."""


@dataclass
class Stages:
    """Times the stages and tells how far they are."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """A stage, for as long as the block lasts."""
        self.progress(stage, 0.0)
        began = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - began, 4)
        self.progress(stage, 1.0)
        _LOG.info("stage_done", stage=stage, took_s=self.seconds[stage])
