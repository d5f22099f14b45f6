"""A series in plain words: where it stands, what comes next, and what a person may ask of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from node.ports import Activity, SeriesRecord, SeriesState
from node.status.queue import DELIVERED, DELIVERING, concerns_perfusion

State = SeriesState


@dataclass(frozen=True)
class Badge:
    """A state as a word and a tone, so that colour never stands alone."""

    word: str
    tone: str


_BADGES = {
    State.RECEIVING: Badge("receiving", "wait"),
    State.COMPLETE: Badge("to analyse", "wait"),
    State.ANALYSING: Badge("analysing", "work"),
    State.READY: Badge("to deliver", "work"),
    State.DELIVERING: Badge("delivering", "work"),
    State.DELIVERED: Badge("delivered", "good"),
    State.CONFIRMED: Badge("confirmed", "good"),
    State.REFUSED: Badge("refused", "warn"),
    State.FAILED: Badge("failed", "bad"),
    State.CANCELLED: Badge("cancelled", "mute"),
    State.EXPIRED: Badge("expired", "mute"),
    State.IGNORED: Badge("ignored", "mute"),
    State.JOINED: Badge("joined", "mute"),
}

_SENTENCES = {
    State.RECEIVING: "Receiving images",
    State.COMPLETE: "Waiting for an analysis worker",
    State.ANALYSING: "The maps are being computed",
    State.READY: "Waiting for a delivery worker",
    State.DELIVERING: "The maps are being sent",
    State.IGNORED: "Kept apart: no CT image that could be perfusion",
    State.JOINED: "Part of a scan; its maps are shown with the first of its series",
    State.CANCELLED: "Cancelled by a person",
    State.EXPIRED: "Its files were deleted as the retention settings ask",
}
_RESTING = frozenset({State.IGNORED, State.JOINED, State.CANCELLED, State.EXPIRED})
_QUEUED = (State.COMPLETE, State.READY)

_ENDED = (State.DELIVERED, State.CONFIRMED, State.REFUSED, State.FAILED)

_ACTIONS = {
    State.RECEIVING: ("complete", "prioritise", "cancel"),
    State.COMPLETE: ("prioritise", "cancel"),
    State.READY: ("cancel",),
    State.REFUSED: ("retry",),
    State.FAILED: ("retry",),
    State.CANCELLED: ("retry",),
}

ACTION_WORDS = {
    "retry": "Retry",
    "cancel": "Cancel",
    "complete": "Complete now",
    "resend": "Send again",
    "analyse": "Analyse again",
    "prioritise": "Analyse first",
}


@dataclass(frozen=True)
class ActivityWords:
    """What an activity is called on its button, what is asked first, and what a pause means."""

    verb: str
    ask: str
    paused: str


ACTIVITY_WORDS = {
    Activity.RECEIVING: ActivityWords(
        "receiving",
        "Pause receiving? Scanners and PACS are told to try again later; not all of them do.",
        "Receiving is paused: senders are told to try again later",
    ),
    Activity.ANALYSING: ActivityWords(
        "analysing",
        "Pause analysing? What arrives is kept, and no maps are made until it is resumed.",
        "Analysing is paused: what arrives is kept and waits",
    ),
    Activity.DELIVERING: ActivityWords(
        "delivering",
        "Pause delivering? Maps are made and kept here, and sent once it is resumed.",
        "Delivering is paused: maps are made and kept here",
    ),
}


def badge(record: SeriesRecord) -> Badge:
    """The state's word and tone; a topogram's refusal is no warning."""
    if record.state is State.REFUSED and not concerns_perfusion(record):
        return Badge("not perfusion", "mute")
    if record.state in _QUEUED and record.reason:
        return Badge("waits to retry", "warn")
    if record.state is State.DELIVERED and record.reason:
        return Badge("not confirmed", "warn")
    return _BADGES[record.state]


def comes_first(record: SeriesRecord) -> bool:
    """Whether it waits for its analysis before others, because of its priority."""
    return record.priority > 0 and record.state in (State.RECEIVING, State.COMPLETE)


def actions(record: SeriesRecord) -> tuple[str, ...]:
    """What the page offers for this series; the registry has the last word."""
    waits_for_a_try = record.state in _QUEUED and record.next_try_at and record.reason
    unconfirmed = record.state is State.DELIVERED and (record.next_try_at or record.reason)
    has_results = record.state in _ENDED and record.results and not record.results_expired_at
    has_maps = record.state in DELIVERED and not record.sources_expired_at
    return (
        *(("retry",) if waits_for_a_try or unconfirmed else ()),
        *_ACTIONS.get(record.state, ()),
        *(("resend",) if has_results else ()),
        *(("analyse",) if has_maps else ()),
    )


def situation(record: SeriesRecord, now: datetime, quiet_s: float) -> str:
    """One sentence: what the series waits for, or what became of it, without a full stop."""
    if record.state is State.RECEIVING:
        return f"{_awaited(record)}; {_declared(record, now, quiet_s)}"
    if record.state in (State.DELIVERED, State.CONFIRMED):
        return f"{_outcome(record)}{_deleted(record)}"
    if record.state in _RESTING:
        return _SENTENCES[record.state]
    if record.state in (State.REFUSED, State.FAILED):
        return sentence(record.reason.found) if record.reason else "No reason was recorded"
    return _under_way(record)


def remedy(record: SeriesRecord) -> str:
    """What a person can do about a refusal, a failure, or what waits or is not confirmed."""
    stuck = record.state in (
        *(State.REFUSED, State.FAILED, State.COMPLETE, State.DELIVERED),
        *DELIVERING,
    )
    return record.reason.remedy if stuck and record.reason else ""


def next_step(record: SeriesRecord, now: datetime) -> str:
    """When the node itself tries again; empty where it will not or need not."""
    if record.next_try_at is None or record.state is State.RECEIVING:
        return ""
    if record.state not in (State.COMPLETE, State.ANALYSING, State.DELIVERED, *DELIVERING):
        return ""
    ahead_s = (record.next_try_at - now).total_seconds()
    if record.state is State.DELIVERED:
        return f"asked again in {duration(ahead_s)}" if ahead_s >= 1 else "asked now"
    return f"next try in {duration(ahead_s)}" if ahead_s >= 1 else "next try now"


def duration(seconds: float | None) -> str:
    """A duration as people say it: ``8.4 s``, ``42 s``, ``3 min 05 s``, ``2 h 10 min``, ``3 d``."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def age(since: datetime, now: datetime) -> str:
    """How long ago, in whole seconds, minutes, hours or days."""
    whole = max(0, round((now - since).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def sentence(text: str) -> str:
    """The text with a capital first letter and no full stop at its end."""
    return (text[:1].upper() + text[1:]).rstrip(". ")


def size(number_of_bytes: int) -> str:
    """Bytes as ``412 GiB``, with one decimal below ten."""
    gib = number_of_bytes / 2**30
    return f"{gib:.1f} GiB" if gib < 10 else f"{gib:,.0f} GiB"


def _awaited(record: SeriesRecord) -> str:
    awaited = record.waiting_for.strip().rstrip(".")
    if not awaited:
        return _SENTENCES[record.state]
    return sentence(awaited if awaited.lower().startswith("waiting") else f"waiting for {awaited}")


def _declared(record: SeriesRecord, now: datetime, quiet_s: float) -> str:
    due = record.next_try_at or record.received_last_at + timedelta(seconds=quiet_s)
    ahead_s = (due - now).total_seconds()
    if ahead_s < 1:
        return "about to be declared complete"
    return f"declared complete in {ahead_s:.0f} s unless more arrive"


def _under_way(record: SeriesRecord) -> str:
    awaited = _awaited(record) if record.state in _QUEUED else _SENTENCES[record.state]
    if record.reason is None:
        return awaited
    tried = f" (tried {_times(record.attempts)})" if record.attempts else ""
    return f"{awaited}: {record.reason.found.rstrip('. ')}{tried}"


def _outcome(record: SeriesRecord) -> str:
    volumes = [
        f"{label} {ml:.0f} ml"
        for label, key in (("core", "core_ml"), ("hypoperfusion", "hypoperfusion_ml"))
        if (ml := record.summary.get(key)) is not None
    ]
    facts = [*volumes, *([_flags(len(record.flags))] if record.flags else [])]
    done = "Maps sent and confirmed" if record.state is State.CONFIRMED else "Maps sent"
    waiting = f"waiting for {record.waiting_for}" if record.waiting_for else ""
    lacking = record.reason.found.rstrip(". ") if record.reason else ""
    return "; ".join(filter(None, (done, ", ".join(facts), waiting, lacking)))


def _deleted(record: SeriesRecord) -> str:
    """Which files of a delivered series are deleted already."""
    if record.sources_expired_at:
        return "; its images were deleted as the retention settings ask"
    if record.results_expired_at:
        return "; the results kept here were deleted as the retention settings ask"
    return ""


def _flags(number: int) -> str:
    return "1 quality flag" if number == 1 else f"{number} quality flags"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
