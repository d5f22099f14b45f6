"""What a log line may say."""

import json
from collections.abc import Iterator

import pytest
import structlog

from node import log


@pytest.fixture(autouse=True)
def defaults_again() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def read(value: str) -> float:
    try:
        return float(value)
    except ValueError as fault:
        raise KeyError(value) from fault


def test_a_traceback_says_where_and_what_but_quotes_no_value(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An exception's own words may be a patient's name: its type and its place are enough."""
    log.configure(json=True)
    name = "^".join(("Doe", "Jane"))
    try:
        read(name)
    except KeyError:
        log.get("scp").exception("storing_failed", sop_instance_uid="1.2.3")
    line = capsys.readouterr().err
    told = json.loads(line)["exception"]
    assert name not in line
    assert "in read" in told
    assert told.index("KeyError") < told.index("ValueError")
