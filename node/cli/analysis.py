"""Series analysed one by one, each into a folder of its own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from node.cli.drawer import Drawer, require_ours
from node.cli.instances import acquired_last
from node.cli.numbers import numbers
from node.cli.output import as_json, progress
from node.derived import DEFAULT_KINDS, DerivedObject, ObjectKind
from node.errors import NodeError
from node.exports import Exporter, ExportFile, ExportKind
from node.ports import MEASURES, CheckRecord, Kept, Model, Outcome, Reason
from node.refusals import RefusalCode
from node.route import STAGES, AnalyseOptions, Keep
from node.route import analyse as analyse_series
from node.series import Instance
from node.wiring import Node

_VOLUMES = ("core_ml", "hypoperfusion_ml", "mismatch_ml", "mismatch_ratio")


@dataclass(frozen=True)
class Answer:
    """What became of one series: an outcome, or the fault that kept the node from one."""

    series_instance_uid: str
    title: str
    images: int
    outcome: Outcome | None
    fault: Reason | None
    folder: Path | None
    numbers: dict[str, Any]
    notes: Sequence[str] = ()

    @property
    def reason(self) -> Reason | None:
        """Why there are no maps; None where there are."""
        return self.outcome.reason if self.outcome else self.fault

    @property
    def analysed(self) -> bool:
        """Whether there are maps."""
        return self.reason is None

    @property
    def refused(self) -> bool:
        """Whether the data, not the node, is why there are no maps."""
        return self.outcome is not None and not self.analysed

    @property
    def is_owed_maps(self) -> bool:
        """Whether it was meant as CT perfusion and has no maps."""
        if self.outcome is None or self.outcome.reason is None:
            return self.outcome is None
        return RefusalCode(self.outcome.reason.code).concerns_perfusion

    @property
    def objects(self) -> int:
        """How many result objects were written."""
        return len(self.outcome.results) if self.outcome else 0

    def volumes(self) -> Iterator[str]:
        """The volumes in words."""
        summary = self.outcome.summary if self.outcome else {}
        for key in _VOLUMES:
            if (value := summary.get(key)) is not None:
                measure = MEASURES[key]
                yield f"{measure.name.lower()} {value:.1f} {measure.unit}".strip()

    def flags(self) -> Sequence[Reason]:
        """What a reader of the maps must know."""
        return self.outcome.flags if self.outcome else ()

    def checks(self) -> Sequence[CheckRecord]:
        """Every check of quality, whatever it came to."""
        return self.outcome.checks if self.outcome else ()

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs; the times are this run's and stand in no file."""
        state = "analysed" if self.analysed else "refused" if self.refused else "failed"
        stages_s = self.outcome.stages_s if self.outcome else {}
        return {"state": state, "folder": self.folder, **self.numbers, "stages_s": stages_s}


def analyse_all(
    series: Iterable[Sequence[Instance]],
    node: Node,
    out: Path,
    exports: frozenset[ExportKind] = frozenset(),
    only: Sequence[ObjectKind] = DEFAULT_KINDS,
) -> list[Answer]:
    """Every series analysed; one that fails does not keep the others from it.

    Parameters
    ----------
    series
        The instances of each.
    node
        Whose model and settings are used.
    out
        Where a folder for each series is made.
    exports
        What to write beside the result objects.
    only
        Which result objects to make.

    Raises
    ------
    ModelError
        If the model is missing or damaged.
    BadCallError
        If the place of a series' results is taken by something else.
    """
    every = list(series)
    for instances in every:
        require_ours(out / instances[0].header.series_instance_uid)
    model = node.model
    return [_one(i, model, node, _Wanted(out, exports, only)) for i in every]


@dataclass(frozen=True)
class _Wanted:
    """Where results go, and which."""

    out: Path
    exports: frozenset[ExportKind]
    only: Sequence[ObjectKind]


def _one(instances: Sequence[Instance], model: Model, node: Node, wanted: _Wanted) -> Answer:
    uid = instances[0].header.series_instance_uid
    title = instances[0].header.series_description
    outcome, fault = None, None
    exporter = Exporter(wanted.exports)
    with Drawer(wanted.out, uid) as drawer:
        keep = _Keeper(drawer, exporter)
        try:
            options = _options(node, instances, wanted.only)
            outcome = _watched(title or uid, instances, model, options, keep)
        except NodeError as problem:
            fault = Reason(type(problem).__name__, str(problem), problem.remedy)
        facts = numbers(instances, outcome or Outcome((), fault), model.estimator, node.settings)
        facts["files"] = drawer.files if outcome else []
        if outcome and outcome.results:
            keep.write(exporter.finish(facts))
            facts["exports"] = keep.exported
            drawer.close(as_json(facts))
    return Answer(
        uid,
        title or "(no description)",
        sum(i.header.images for i in instances),
        outcome,
        fault,
        drawer.closed,
        facts,
        exporter.notes,
    )


class _Keeper:
    """Keeps every result object, and what is made from it for people without a PACS."""

    def __init__(self, drawer: Drawer, exporter: Exporter) -> None:
        self.exported: list[str] = []
        self._drawer = drawer
        self._exporter = exporter

    def __call__(self, made: DerivedObject) -> Kept:
        kept = self._drawer.keep(made)
        self.write(self._exporter.add(made))
        return kept

    def write(self, files: Iterable[ExportFile]) -> None:
        for file in files:
            self._drawer.add(file.name, file.data)
            self.exported.append(file.name)


def _options(
    node: Node, instances: Sequence[Instance], only: Sequence[ObjectKind]
) -> AnalyseOptions:
    created = acquired_last(instances)
    options = node.options(1, created)
    # A naive time is written as it stands: the scanner's wall clock, whatever this machine's is.
    return replace(options, encode=replace(options.encode, created=created, kinds=tuple(only)))


def _watched(
    title: str,
    instances: Sequence[Instance],
    model: Model,
    options: AnalyseOptions,
    keep: Keep,
) -> Outcome:
    """The analysis with a bar that names the stage in hand."""
    with progress() as bar:
        task = bar.add_task(title, total=len(STAGES))

        def tell(stage: str, done: float) -> None:
            bar.update(task, description=f"{title}: {stage}", completed=STAGES.index(stage) + done)

        return analyse_series(instances, model=model, keep=keep, options=options, progress=tell)
