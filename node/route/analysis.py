"""A series becomes maps: examined, written as DICOM objects, and kept."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from node.derived import DerivedObject, encode, refusal_page, rejection_notes
from node.ports import Kept, Model, Outcome, Reason, ResultRecord, concluded
from node.refusals import Refusal
from node.route.examination import AnalyseOptions, Examined, Shown, examine
from node.route.stages import Progress, Stages, unwatched
from node.series import Instance, read_context, read_source

Keep = Callable[[DerivedObject], Kept]


def analyse(
    instances: Sequence[Instance],
    *,
    model: Model,
    keep: Keep,
    options: AnalyseOptions,
    progress: Progress = unwatched,
    examined: Examined | None = None,
) -> Outcome:
    """The result objects of a series, kept, or the reason why there are none.

    Parameters
    ----------
    instances
        Every image of the series that arrived, in any order.
    model
        The network.
    keep
        Makes an object durable; called once for each, in the order they are sent.
    options
        Limits, thresholds and encoding.
    progress
        Told of every stage.
    examined
        What :func:`examine` made of the same images, model and options (but for their
        ``encode``), where that was done already.

    Returns
    -------
    Outcome
        With ``reason`` where the series was refused; a series that was meant as CT perfusion
        then has one result, the page that says why.

    Raises
    ------
    NodeError
        If the node could not do it, for example for want of memory or room on disk.
    """
    if examined is None:
        examined = examine(instances, model=model, options=options, progress=progress)
    stages, found = Stages(progress, dict(examined.stages_s)), examined.found
    with _Keeper(keep, options) as keeper:
        if isinstance(found, Refusal):
            return _refused(found, instances, options, stages, keeper)
        with stages.timed("encode"):
            _encode(found, options, keeper)
        with stages.timed("keep"):
            results = keeper.results()
    return concluded(found.findings, results, stages.seconds)


class _Keeper:
    """Makes objects durable in their order, while those that follow are still being made.

    A thread waits for the disk: making and keeping would else wait for each other.
    """

    def __init__(self, keep: Keep, options: AnalyseOptions) -> None:
        self._keep = keep
        self._revision = options.encode.revision
        self._thread = ThreadPoolExecutor(1)
        self._kept: list[Future[ResultRecord]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def take(self, objects: Iterable[DerivedObject]) -> None:
        """Keep these, each as soon as it is there."""
        for each in objects:
            self._kept.append(self._thread.submit(self._record, each))

    def results(self) -> tuple[ResultRecord, ...]:
        """What was kept, once all of it is; the first fault on the way is raised here."""
        return tuple(each.result() for each in self._kept)

    def _record(self, made: DerivedObject) -> ResultRecord:
        return ResultRecord(
            sop_instance_uid=made.sop_instance_uid,
            sop_class_uid=str(made.dataset.SOPClassUID),
            series_instance_uid=str(made.dataset.SeriesInstanceUID),
            kind=made.kind,
            description=str(made.dataset.get("SeriesDescription", "")),
            path=self._keep(made).path,
            revision=self._revision,
        )


def _encode(found: Shown, options: AnalyseOptions, keeper: _Keeper) -> None:
    """Hand over every object as soon as it is made."""
    source = read_source(found.series)
    made = encode(source, found.series, found.geometry, found.findings, options.encode)
    keeper.take(made)
    keeper.take(rejection_notes(source, options.encode))


def _refused(
    refusal: Refusal,
    instances: Sequence[Instance],
    options: AnalyseOptions,
    stages: Stages,
    keeper: _Keeper,
) -> Outcome:
    """The refusal, and its page where the series was meant as CT perfusion."""
    results: tuple[ResultRecord, ...] = ()
    if refusal.code.concerns_perfusion and instances:
        with stages.timed("encode"):
            source = read_context(instances)
            keeper.take([refusal_page(source, refusal, options.encode)])
            keeper.take(rejection_notes(source, options.encode))
        with stages.timed("keep"):
            results = keeper.results()
    reason = Reason(str(refusal.code), refusal.found, refusal.remedy)
    return Outcome(results=results, reason=reason, stages_s=stages.seconds)
