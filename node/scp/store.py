"""One C-STORE request: from the bytes on the wire to a status."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from node import log
from node.errors import NodeError
from node.failpoint import Step, passed
from node.ports import Intake, Kept, Quota, Recorded, Spool
from node.scp.counters import Counters
from node.scp.part10 import file_head
from node.scp.statuses import SUCCESS, Answer, Status, answer_for
from node.scp.witness import Tally
from node.series import Header, read_header

_LOG = log.get("scp")
# What can be analysed; anything else is kept, and shown as ignored.
_ANALYSED = frozenset(
    {CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage}
)


@dataclass(frozen=True)
class StoreRequest:
    """A C-STORE request; ``data_set`` is as it came, None where it was over the limit."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae_title: str
    data_set: bytes | None


class Store:
    """Stores what comes in: success is answered once spool and registry have it.

    Parameters
    ----------
    spool, intake
        Where an instance is kept and recorded.
    counters
        What was done.
    quota
        How large a series may become.
    on_received
        Called with the Series Instance UID of each new instance that is to be analysed.
    longest
        Longest data set that is taken, inflated where it comes deflated [bytes].
    """

    def __init__(
        self,
        spool: Spool,
        intake: Intake,
        counters: Counters,
        quota: Quota,
        on_received: Callable[[str], None] | None,
        longest: int,
    ) -> None:
        self._quota = quota
        self._longest = longest
        self._inflating = threading.Lock()
        self._spool = spool
        self._intake = intake
        self._counters = counters
        self._on_received = on_received

    def answer(self, request: StoreRequest, tally: Tally | None = None) -> Answer:
        """The answer to a request; never raises, for a sender is owed a status.

        ``tally`` counts what its association has stored.
        """
        try:
            answer = self._stored(request, tally)
        except NodeError as fault:
            answer = answer_for(fault)
            _LOG.warning(
                "instance_not_stored",
                sop_instance_uid=request.sop_instance_uid,
                status=f"{answer.status:04X}",
                fault=type(fault).__name__,
                found=str(fault),
                remedy=fault.remedy,
            )
        except Exception:  # noqa: BLE001 - the process border: a bug is logged and answered 0110
            answer = Answer(Status.PROCESSING_FAILURE, "The node failed")
            _LOG.exception("storing_failed", sop_instance_uid=request.sop_instance_uid)
        self._counters.add_status(answer.status)
        return answer

    def _stored(self, request: StoreRequest, tally: Tally | None) -> Answer:
        if request.data_set is None:
            _LOG.warning(
                "oversized_instance_dropped",
                sop_instance_uid=request.sop_instance_uid,
                calling_ae_title=request.calling_ae_title,
                remedy="Raise scp.max_instance_mib if an instance may be so large.",
            )
            return Answer(Status.OUT_OF_RESOURCES, "The instance is over the configured size")
        passed(Step.RECEIVED)
        header = self._header(request.data_set, request.transfer_syntax_uid)
        if mismatch := _mismatch(request, header):
            _LOG.warning("instance_mismatched", differs_in=mismatch)
            return Answer(Status.MISMATCH, f"The data set has another {mismatch}")
        part10 = (_head(request), request.data_set)
        if self._keep(part10, header, request.calling_ae_title) is Recorded.TURNED_AWAY:
            return Answer(Status.OUT_OF_RESOURCES, "The series is over the configured size")
        self._counters.add("bytes", len(request.data_set))
        if tally is not None:
            tally.add(header)
        return SUCCESS

    def _header(self, data_set: bytes, transfer_syntax_uid: str) -> Header:
        """Deflated ones are read one at a time: a few bytes of them may take all the memory."""
        deflated = transfer_syntax_uid == DeflatedExplicitVRLittleEndian
        with self._inflating if deflated else nullcontext():
            return read_header(data_set, transfer_syntax_uid, longest=self._longest)

    def _keep(self, part10: tuple[bytes, bytes], header: Header, calling_ae_title: str) -> Recorded:
        """Kept first, recorded second: what the registry names is always there.

        The same bytes again change nothing in either. The registry decides whether other bytes
        came under a known UID: it alone can for two associations at once.
        """
        ignored = header.sop_class_uid not in _ANALYSED
        kept = self._spool.keep(part10, header, ignored=ignored)
        passed(Step.KEPT)
        recorded = self._intake.record(
            header, kept, calling_ae_title=calling_ae_title, ignored=ignored, quota=self._quota
        )
        passed(Step.RECORDED)
        if recorded is Recorded.TURNED_AWAY:
            self._turn_away(header, kept)
        elif recorded is Recorded.CONFLICT:
            self._keep_apart(part10, header)
        else:
            if not kept.path.exists():  # with the last of an expired series, before it was recorded
                self._spool.keep(part10, header, ignored=ignored)
            self._note(recorded, header.series_instance_uid, ignored)
        return recorded

    def _note(self, recorded: Recorded, series_instance_uid: str, ignored: bool) -> None:
        if recorded is Recorded.DUPLICATE:
            self._counters.add("duplicates")
            return
        self._counters.add("ignored" if ignored else "instances")
        if self._on_received is not None and not ignored:
            self._on_received(series_instance_uid)

    def _turn_away(self, header: Header, kept: Kept) -> None:
        self._spool.discard(kept)
        self._counters.add("turned_away")
        _LOG.warning(
            "instance_turned_away",
            sop_instance_uid=header.sop_instance_uid,
            series_instance_uid=header.series_instance_uid,
            remedy="See the series; raise scp.max_series_images or scp.max_series_gib if it may.",
        )

    def _keep_apart(self, part10: tuple[bytes, bytes], header: Header) -> None:
        self._intake.record_conflict(header, self._spool.keep_apart(part10, header))
        self._counters.add("conflicts")
        _LOG.warning(
            "conflict_kept_apart",
            sop_instance_uid=header.sop_instance_uid,
            series_instance_uid=header.series_instance_uid,
        )


def _mismatch(request: StoreRequest, header: Header) -> str:
    """What of the data set differs from what the request announced (PS3.4 B.2.2)."""
    if header.sop_class_uid != request.sop_class_uid:
        return "SOP class"
    if header.sop_instance_uid != request.sop_instance_uid:
        return "SOP instance"
    return ""


def _head(request: StoreRequest) -> bytes:
    return file_head(
        request.sop_class_uid,
        request.sop_instance_uid,
        request.transfer_syntax_uid,
        request.calling_ae_title,
    )
