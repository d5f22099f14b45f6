"""What a server's answer to a request means for each object that was in it (PS3.18 10.5.3)."""

from collections.abc import Sequence

from node.ports import DeliveryState, StoreOutcome
from node.stow.exchange import Answer
from node.stow.parts import Part
from node.stow.report import Report, read_report
from node.stow.statuses import of_failure, of_warning

# Answers that concern what was sent rather than the service: with several objects in a
# request, one of them may be at fault, and each is sent by itself.
_OF_CONTENT = {
    400: (DeliveryState.FAILED, "the server cannot read the request; its log says why"),
    409: (DeliveryState.FAILED, "the server does not take the object, and does not say why"),
    413: (DeliveryState.FAILED, "the object is too large for the server: raise its limit"),
    415: (DeliveryState.SKIPPED, "skipped: the server does not take objects of this kind"),
    422: (DeliveryState.FAILED, "the server cannot process the object; its log says why"),
    500: (DeliveryState.PENDING, "the server failed over the object; its log says why"),
}


def concerns_content(answer: Answer, parts: Sequence[Part]) -> bool:
    """Whether the objects are answered, or at fault; else the service itself does not work."""
    return answer.status in _OF_CONTENT or _is_report(answer, parts)


def outcomes(answer: Answer, parts: Sequence[Part]) -> list[StoreOutcome]:
    """What became of each object; empty where they must be sent one by one to know."""
    if _is_report(answer, parts):
        report = read_report(answer.media_type, answer.body)
        return [_reported(part, answer, report) for part in parts]
    if len(parts) > 1:
        return []
    state, words = _OF_CONTENT[answer.status]
    return [StoreOutcome(parts[0].sop_instance_uid, None, f"{words} ({answer.words})", state=state)]


def _is_report(answer: Answer, parts: Sequence[Part]) -> bool:
    """Whether the answer says what became of the objects, whatever its status is."""
    if 200 <= answer.status < 300:
        return True
    report = read_report(answer.media_type, answer.body)
    return any(p.sop_instance_uid in {*report.stored, *report.failed} for p in parts)


def _reported(part: Part, answer: Answer, report: Report) -> StoreOutcome:
    uid = part.sop_instance_uid
    if uid in report.failed:
        reason = report.failed[uid]
        state, words = of_failure(reason)
        return StoreOutcome(uid, reason, words, state=state)
    if uid in report.stored:
        warning = report.stored[uid]
        if warning:
            return StoreOutcome(uid, warning, of_warning(warning), state=DeliveryState.WARNING)
        return StoreOutcome(uid, 0x0000, state=DeliveryState.STORED)
    if answer.status == 200 and report.is_empty:  # all are stored: that is what 200 means
        return StoreOutcome(uid, 0x0000, state=DeliveryState.STORED)
    told = f"the server answered {answer.words} and does not name the object"
    return StoreOutcome(uid, None, told, state=DeliveryState.PENDING)
