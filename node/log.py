"""One log line a stage: a past-tense event, facts as keys with units, never patient data."""

import logging
import sys
import warnings

import structlog


def configure(*, json: bool | None = None, level: int = logging.INFO) -> None:
    """Log lines go to standard error: JSON for machines, coloured text on a terminal.

    Parameters
    ----------
    json
        True for JSON lines; None chooses them where standard error is no terminal.
    level
        Lowest level shown, as in :mod:`logging`.
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
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # looked up for every line: a progress bar takes standard error's place while it is shown
        logger_factory=lambda *_: structlog.PrintLogger(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    # pydicom and pynetdicom quote element values in what they log and warn of: identity must
    # not leak, so neither is shown.
    warnings.simplefilter("ignore")
    for library in ("pydicom", "pynetdicom", "highdicom"):
        logging.getLogger(library).setLevel(logging.ERROR)


def get(room: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry the room they come from."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(room=room)
    return logger
