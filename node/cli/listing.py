"""Series as an administrator reads them at a prompt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from node.cli.output import age, counted, print_facts, print_record, print_table, say, until
from node.ports import MEASURES, DeliveryRecord, Event, SeriesRecord, SeriesState

_COLOURS = {
    SeriesState.DELIVERED: "green",
    SeriesState.CONFIRMED: "green",
    SeriesState.REFUSED: "yellow",
    SeriesState.FAILED: "bold red",
}


def print_series(record: SeriesRecord) -> None:
    """One series in a list: what it is, its UID, and why it waits or failed."""
    images = counted(record.instances or record.ignored, "image")
    last = f"{age(record.received_last_at)} ago"
    head = f"{record.state:<10} {last:>10}  {images:>11}  {record.description}"
    style = _COLOURS.get(record.state, "bold")
    print_record(head, (record.series_instance_uid, why(record)), style=style)


def print_whole_series(record: SeriesRecord) -> None:
    """Everything about one series."""
    print_facts(_facts(record))
    print_table("Measurements", ("Name", "Value"), _numbers(record))
    print_table(
        "Quality flags",
        ("Flag", "Found"),
        ((flag.code, f"{flag.found}. {flag.remedy}") for flag in record.flags),
    )
    print_table("Quality checks", ("Measured", "Value", "Limit", "Grade"), _checks(record))
    print_table(
        "Results",
        ("Kind", "Series", "Objects"),
        ((kind, name, str(number)) for (kind, name), number in _results(record).items()),
    )
    print_table(
        "Deliveries",
        ("Destination", "State", "Status", "Objects", "Tries", "Message", "Commitment"),
        _deliveries(record),
    )
    print_table(
        "History (UTC)",
        ("When", "What", ""),
        _history(record.events),
    )
    say("Not for diagnostic use.")


def why(record: SeriesRecord) -> str:
    """Why a series is where it is, what to do about it, and when it is tried again."""
    reason = record.reason
    said = f"{reason.found.rstrip('. ')}. {reason.remedy}" if reason else record.waiting_for
    if record.state is SeriesState.EXPIRED:
        return "Expired: its files were deleted as the retention settings ask"
    if said and record.next_try_at:
        return f"{said.rstrip('. ')}. Next try in {until(record.next_try_at)}."
    return said


def _facts(record: SeriesRecord) -> Iterator[tuple[str, str]]:
    yield "Series", record.series_instance_uid
    yield "Study", record.study_instance_uid
    yield "Description", record.description
    yield "State", f"{record.state} (revision {record.revision})"
    yield "Why", why(record)
    yield "Sender", record.calling_ae_title
    yield "Images", _images(record)
    yield "First image", _moment(record.received_first_at)
    yield "Last image", _moment(record.received_last_at)
    yield "Complete", _moment(record.completed_at)
    yield "Maps ready", _moment(record.ready_at)
    yield "Delivered", _moment(record.delivered_at)
    yield "Confirmed", _moment(record.confirmed_at)
    yield "Images deleted", _moment(record.sources_expired_at)
    yield "Results deleted", _moment(record.results_expired_at)
    yield "Stages", ", ".join(f"{name} {s:.2f} s" for name, s in record.stages_s.items())


def _images(record: SeriesRecord) -> str:
    notes = (
        f"{record.ignored} ignored" if record.ignored else "",
        f"{record.conflicts} with other content under a known UID, kept apart"
        if record.conflicts
        else "",
    )
    return ", ".join((str(record.instances), *filter(None, notes)))


def _numbers(record: SeriesRecord) -> Iterator[tuple[str, str]]:
    for key, measure in MEASURES.items():
        if key in record.summary:
            value = record.summary[key]
            yield measure.name, "none" if value is None else f"{value:.3g} {measure.unit}".strip()


def _checks(record: SeriesRecord) -> Iterator[tuple[str, ...]]:
    """Every number of every check, the gravest first."""
    for check in record.checks:
        for reading in check.readings:
            yield reading.name, reading.measured, reading.limit, check.grade


def _results(record: SeriesRecord) -> dict[tuple[str, str], int]:
    """How many result objects each series of them has, in the order of sending."""
    counts: dict[tuple[str, str], int] = {}
    for result in record.results:
        key = (result.kind, result.description)
        counts[key] = counts.get(key, 0) + 1
    return counts


def _deliveries(record: SeriesRecord) -> Iterator[tuple[str, ...]]:
    """Objects of one destination that fared alike, together."""
    groups: dict[tuple[str, ...], list[DeliveryRecord]] = {}
    for delivery in record.deliveries:
        status = "" if delivery.status is None else f"0x{delivery.status:04X}"
        answer = (str(delivery.state), status, delivery.message, _commitment(delivery))
        groups.setdefault((delivery.destination, *answer), []).append(delivery)
    for (destination, state, status, message, kept), group in groups.items():
        tries = str(max(delivery.attempts for delivery in group))
        yield destination, state, status, str(len(group)), tries, message, kept


def _commitment(delivery: DeliveryRecord) -> str:
    """How storage commitment stands, in words; empty where it is not asked for."""
    kept = delivery.commitment
    if kept is None:
        return ""
    return f"{kept.state}: {kept.message}" if kept.message else str(kept.state)


@dataclass
class _Line:
    """One line of a history: an event, and how often it came again."""

    event: Event
    times: int = 1
    last: datetime | None = None


def _history(events: Sequence[Event]) -> Iterator[tuple[str, ...]]:
    """The events in order; rounds of the same (begun, waits, begun, waits) on one pair of lines."""
    lines: list[_Line] = []
    for event in events:
        same = (
            line
            for line in lines[-2:]
            if (line.event.name, line.event.detail) == (event.name, event.detail)
        )
        if line := next(same, None):
            line.times, line.last = line.times + 1, event.at
        else:
            lines.append(_Line(event))
    for line in lines:
        again = f"({line.times} times, last at {line.last:%H:%M:%S})" if line.last else ""
        words = " ".join(filter(None, (line.event.detail, again)))
        yield _time(line.event.at), line.event.name.replace("_", " "), words


def _moment(at: datetime | None) -> str:
    return f"{_time(at)} UTC, {age(at)} ago" if at else ""


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
