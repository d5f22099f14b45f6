"""``analyse``: a folder of DICOM files in, every result object out; no PACS, no Redis."""

import re
import shutil
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import ConfigOption, JsonOption, settings_from
from node.cli.output import console, errors, print_json, print_table, progress, write_json
from node.derived import DerivedObject
from node.errors import InstanceUnreadableError
from node.ports import Kept, Outcome
from node.route import STAGES, AnalyseOptions
from node.route import analyse as analyse_series
from node.series import Instance, read_header
from node.spool import FileSpool
from node.wiring import Node


@dataclass(frozen=True)
class Answer:
    """What became of one series of the folder."""

    series_instance_uid: str
    description: str
    images: int
    outcome: Outcome
    folder: Path | None


def analyse(
    folder: Annotated[Path, typer.Argument(exists=True, help="Folder or zip of DICOM files.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the results; made if absent.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Analyse every CT perfusion series in a folder (or zip) and write all result objects.

    Each series becomes a folder in --out: one folder per result series with its DICOM files,
    and numbers.json. What is no CT perfusion series is listed with the reason. Exit code 1
    where no series could be analysed.
    """
    settings = settings_from(config)
    with Node(settings) as node, _files_of(folder) as files:
        series = _read(files)
        options = node.options(1, _made_at(files))
        answers = [_one(instances, node, options, out) for _, instances in sorted(series.items())]
    _report(answers, json=json)
    if not any(answer.folder for answer in answers):
        raise typer.Exit(1)


@contextmanager
def _files_of(source: Path) -> Iterator[list[Path]]:
    """Every file below a folder, or inside a zip while the block lasts."""
    if source.is_dir():
        yield sorted(path for path in source.rglob("*") if path.is_file())
        return
    if not zipfile.is_zipfile(source):
        yield [source]
        return
    with tempfile.TemporaryDirectory(prefix="perfusion-node-") as name:
        with zipfile.ZipFile(source) as archive:
            archive.extractall(name)
        yield sorted(path for path in Path(name).rglob("*") if path.is_file())


def _read(files: Sequence[Path]) -> dict[str, list[Instance]]:
    """The instances by series; what is no DICOM is counted and passed over."""
    series: dict[str, list[Instance]] = defaultdict(list)
    unreadable = 0
    with progress() as bar:
        for path in bar.track(files, description="Reading headers"):
            try:
                header = read_header(path)
            except InstanceUnreadableError:
                unreadable += 1
            else:
                series[header.series_instance_uid].append(Instance(header, path))
    if unreadable:
        errors.print(f"{unreadable} of {len(files)} files are no readable DICOM instances.")
    return series


def _made_at(files: Sequence[Path]) -> datetime:
    """The newest file's time: the same folder gives the same bytes whenever it is analysed."""
    newest = max((path.stat().st_mtime for path in files), default=0.0)
    return datetime.fromtimestamp(newest, UTC)


def _one(instances: list[Instance], node: Node, options: AnalyseOptions, out: Path) -> Answer:
    first = instances[0].header
    name = first.series_description or first.series_instance_uid
    with _Drawer(out, first.series_instance_uid) as drawer, progress() as bar:
        task = bar.add_task(name, total=len(STAGES))

        def tell(stage: str, done: float) -> None:
            bar.update(task, description=f"{name}: {stage}", completed=STAGES.index(stage) + done)

        outcome = analyse_series(
            instances, model=node.model, keep=drawer.keep, options=options, progress=tell
        )
        bar.update(task, completed=len(STAGES))
    folder = drawer.folder if outcome.results else None
    if folder:
        write_json(folder / "numbers.json", _numbers(outcome))
    return Answer(first.series_instance_uid, name, len(instances), outcome, folder)


class _Drawer:
    """Results written, read back and compared by a spool, then filed under plain names."""

    def __init__(self, out: Path, series_instance_uid: str) -> None:
        self.folder = out / series_instance_uid
        self._source = series_instance_uid
        self._spool = FileSpool(out / ".spool", min_free_bytes=0)
        self._counts: dict[str, int] = defaultdict(int)

    def __enter__(self) -> "_Drawer":
        shutil.rmtree(self.folder, ignore_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._spool.root, ignore_errors=True)

    def keep(self, made: DerivedObject) -> Kept:
        """One result object, in its series' folder."""
        kept = self._spool.keep_result(self._source, 1, made.dataset)
        words = re.sub(r"[^A-Za-z0-9]+", "-", str(made.dataset.SeriesDescription)).strip("-")
        series = f"{made.dataset.SeriesNumber}-{words}"
        self._counts[series] += 1
        path = self.folder / series / f"{self._counts[series]:04d}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        kept.path.replace(path)
        return Kept(path, kept.sha256, kept.size)


def _numbers(outcome: Outcome) -> dict[str, object]:
    return {
        "not_for_diagnostic_use": True,
        "summary": outcome.summary,
        "flags": [asdict(flag) for flag in outcome.flags],
        "stages_s": outcome.stages_s,
        "refusal": asdict(outcome.reason) if outcome.reason else None,
    }


def _report(answers: Sequence[Answer], *, json: bool) -> None:
    if json:
        print_json(
            [
                {
                    "series_instance_uid": a.series_instance_uid,
                    "images": a.images,
                    "folder": a.folder,
                    **_numbers(a.outcome),
                }
                for a in answers
            ]
        )
        return
    print_table(
        f"{len(answers)} series",
        ("Series", "Images", "Result", "Core [ml]", "Hypoperfusion [ml]", "Flags"),
        (
            (
                a.description,
                str(a.images),
                f"refused: {a.outcome.reason.found}. {a.outcome.reason.remedy}"
                if a.outcome.reason
                else str(a.folder),
                _ml(a.outcome, "core_ml"),
                _ml(a.outcome, "hypoperfusion_ml"),
                ", ".join(flag.code for flag in a.outcome.flags),
            )
            for a in answers
        ),
    )
    console.print("Not for diagnostic use.")


def _ml(outcome: Outcome, key: str) -> str:
    value = outcome.summary.get(key)
    return "" if value is None else f"{value:.1f}"
