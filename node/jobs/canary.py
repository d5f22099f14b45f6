"""The canary's run: sent as any scan is, looked for in the registry, compared, and removed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from node import log
from node.canary import CANARY_AE_TITLE, CanaryScan, Compared, compared, write_scan
from node.errors import ModelError, NodeError, UnknownSeriesError
from node.jobs.beside import Beside
from node.ports import MEASURES, CanaryRun, SeriesRecord, SeriesState
from node.scu import DicomPacs, is_stored
from node.settings import Destination, PeerTls, Settings
from node.wiring import Node

LOOK_S = 5.0
"""How often a canary is looked for [s]."""

_LOG = log.get("canary")
_ANALYSED = frozenset(
    {SeriesState.READY, SeriesState.DELIVERING, SeriesState.DELIVERED, SeriesState.CONFIRMED}
)
_OVER = frozenset(
    {SeriesState.REFUSED, SeriesState.FAILED, SeriesState.CANCELLED, SeriesState.IGNORED}
)
_ANYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not listened on


@dataclass(frozen=True)
class Verdict:
    """What came of a run, with every number that was compared."""

    good: bool
    found: str
    numbers: tuple[Compared, ...] = ()


def send_canary(node: Node, *, unless_since: datetime | None = None) -> CanaryRun | None:
    """A run whose scan the listener took, or that ended because it did not; None: not begun.

    None where one is under way, or began after ``unless_since``.
    """
    scan = CanaryScan.new()
    run = CanaryRun(scan.study_instance_uid, scan.series_instance_uid, datetime.now(UTC))
    if not node.registry.begin_canary(run, unless_since=unless_since):
        return None
    _LOG.info("canary_sent", series_instance_uid=run.series_instance_uid)
    try:
        with TemporaryDirectory(prefix="canary-") as folder:
            wrong = _sent(node.settings, write_scan(scan, Path(folder)))
    except NodeError as fault:
        wrong = str(fault)
    if wrong:
        verdict = Verdict(False, f"the listener did not take the scan: {wrong}")
        end_canary(node, run, verdict)
        return replace(run, ended_at=datetime.now(UTC), good=False, found=verdict.found)
    return run


def judge_canary(node: Node, run: CanaryRun) -> Verdict | None:
    """What came of a run; None while there is time for it to come to something."""
    try:
        record = node.registry.series(run.series_instance_uid)
    except UnknownSeriesError:
        record = None
    if record is not None and record.state in _ANALYSED:
        return _compared(node, record)
    if record is not None and record.state in _OVER:
        why = record.reason.found if record.reason else "no reason is given"
        return Verdict(False, f"it ended {record.state}: {why}")
    age_s = (datetime.now(UTC) - run.begun_at).total_seconds()
    if age_s < node.settings.canary.patience_s:
        return None
    state = "not in the registry" if record is None else f"{record.state}"
    return Verdict(False, f"after {age_s:.0f} s it still is {state}; is a worker running?")


def end_canary(node: Node, run: CanaryRun, verdict: Verdict) -> None:
    """Put a verdict on record, and remove what is left of runs that ended."""
    node.registry.end_canary(run.series_instance_uid, good=verdict.good, found=verdict.found)
    (_LOG.info if verdict.good else _LOG.error)(
        "canary_passed" if verdict.good else "canary_failed",
        series_instance_uid=run.series_instance_uid,
        found=verdict.found,
    )
    remove_canaries(node)


def remove_canaries(node: Node) -> None:
    """Delete files and series of runs that ended; what a worker has in hand goes later."""
    for uid, paths in node.registry.left_of_canaries():
        node.spool.delete(paths)
        node.registry.forget_series_of_canary(uid)


class Patrol(Beside):
    """Sends the canary on its schedule and sees to its end, in a thread of a worker.

    Parameters
    ----------
    node
        What it is done with.
    """

    def __init__(self, node: Node) -> None:
        super().__init__("canary")
        self._node = node

    def step(self) -> None:
        """One look: a run that ended is judged, one that is due is sent."""
        run = self._node.registry.canary_under_way()
        if run is not None:
            if (verdict := judge_canary(self._node, run)) is not None:
                end_canary(self._node, run, verdict)
            return
        remove_canaries(self._node)
        if every_hours := self._node.settings.canary.every_hours:
            since = datetime.now(UTC) - timedelta(hours=every_hours)
            send_canary(self._node, unless_since=since)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            try:
                self.step()
            except NodeError as fault:
                _LOG.warning("canary_hindered", found=str(fault), remedy=fault.remedy)
            except Exception:  # noqa: BLE001 - the thread's border: a bug must not end the patrol
                _LOG.exception("canary_crashed")


def _sent(settings: Settings, files: Sequence[Path]) -> str:
    """What is wrong with how the listener answered; empty if nothing is."""
    answers: list[int | None] = []
    _listener(settings).store(files, lambda outcome: answers.append(outcome.status))
    refused = [a for a in answers if a is None or not is_stored(a)]
    if not refused:
        return ""
    status = "no status" if refused[0] is None else f"{refused[0]:04X}"
    return f"{len(refused)} of {len(files)} images were not stored, the first with {status}"


def _listener(settings: Settings) -> DicomPacs:
    """The node's own listener, as a sender reaches it."""
    scp = settings.scp
    host = settings.canary.host or ("127.0.0.1" if scp.host in _ANYWHERE else scp.host)
    own = None
    if (tls := scp.tls) is not None:
        own = PeerTls(ca=tls.ca or tls.cert, cert=tls.cert, key=tls.key, check_host=False)
    itself = Destination(name="listener", ae_title=scp.ae_title, host=host, port=scp.port, tls=own)
    return DicomPacs(itself, CANARY_AE_TITLE)


def _compared(node: Node, record: SeriesRecord) -> Verdict:
    try:
        estimator = node.probes().model()
    except ModelError:
        estimator = None
    numbers = compared(record.summary, estimator.sha256 if estimator else "")
    wrong = [each for each in numbers if not each.good]
    if not wrong:
        return Verdict(True, f"{len(numbers)} numbers are as they should be", tuple(numbers))
    words = "; ".join(map(_words, wrong))
    return Verdict(
        False, f"{len(wrong)} of {len(numbers)} numbers are wrong: {words}", tuple(numbers)
    )


def _words(number: Compared) -> str:
    name = MEASURES[number.key].name
    found = "missing" if number.found is None else f"{number.found:.2f}"
    return f"{name} {found}, expected {number.expected:.2f} +- {number.tolerance:.2f}"
