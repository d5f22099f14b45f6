"""One log line a stage: a past-tense event, facts as keys with units, never patient data."""

import logging
import sys
import traceback
import warnings
from contextlib import AbstractContextManager

import structlog

from node.log.book import LogBook


def configure(
    *, json: bool | None = None, level: int = logging.INFO, book: LogBook | None = None
) -> None:
    """Log lines go to standard error: JSON for machines, coloured text on a terminal.

    Parameters
    ----------
    json
        True for JSON lines; None chooses them where standard error is no terminal.
    level
        Lowest level shown, as in :mod:`logging`.
    book
        Where lines are kept besides.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_where),
            *([] if book is None else [book.keep]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # looked up for every line: a progress bar takes standard error's place while it is shown
        logger_factory=lambda *_: structlog.PrintLogger(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    # pydicom and pynetdicom quote element values in what they log and warn of: identity must
    # not leak, so neither is shown; nor the headers that httpx and httpcore log.
    warnings.simplefilter("ignore")
    for library in ("pydicom", "pynetdicom", "highdicom", "httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.ERROR)


def _where(exc_info: structlog.typing.ExcInfo) -> str:
    """Where an exception arose and its type, with its causes; what it says is left out.

    pydicom and Python quote values in their messages, and those may be a patient's.
    """
    told: list[str] = []
    fault: BaseException | None = exc_info[1]
    while fault is not None:
        frames = "".join(traceback.format_tb(fault.__traceback__))
        told.append(f"Traceback (most recent call last):\n{frames}{type(fault).__name__}")
        hidden = fault.__suppress_context__ or fault.__cause__ is not None
        fault = fault.__cause__ if hidden else fault.__context__
    return "\n\nafter:\n".join(told)


def get(room: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry the room they come from."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=room)
    return logger


def about(**facts: str) -> AbstractContextManager[None]:
    """Every line of this thread carries these facts for the block."""
    return structlog.contextvars.bound_contextvars(**facts)
