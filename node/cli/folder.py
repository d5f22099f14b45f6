"""``analyse``: a folder of DICOM files in, every result object out; no PACS, no Redis."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.files import files_of
from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import counted, note, print_json, print_record, say
from node.cli.wishes import KINDS, exports_of, kinds_of, with_thresholds
from node.wiring import Node

if TYPE_CHECKING:  # the command imports what it needs when it is called
    from node.cli.analysis import Answer
    from node.cli.instances import Found


def analyse(  # noqa: PLR0913, PLR0917  (a command's options are its arguments)
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", exists=True, help="Folder or zip of DICOM files.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the results; made if absent.")
    ],
    nifti: Annotated[
        bool, typer.Option("--nifti", help="Also write maps, segments and CT as NIfTI (.nii.gz).")
    ] = False,
    png: Annotated[
        bool, typer.Option("--png", help="Also write every colour picture as PNG.")
    ] = False,
    html: Annotated[
        bool,
        typer.Option("--html/--no-html", help="Write report.html, a page that opens from disk."),
    ] = True,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="KIND",
            help=f"Write these result objects only; repeatable: {', '.join(KINDS)}.",
            show_default=False,
        ),
    ] = None,
    thresholds: Annotated[
        str | None,
        typer.Option(
            "--thresholds",
            metavar="LIST",
            help="Where the lesion begins, for this call: tmax=6,rcbf=0.3,min_ml=1, or some of "
            "them. [default: the settings']",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Analyse every CT perfusion series in a folder (or zip) and write all result objects.

    Series that are time points or slabs of one scan are analysed as one, under the first one's
    UID. Each series becomes a folder of that UID in --out: one folder per result series with its
    DICOM files, numbers.json, and report.html, which names the patient and opens from disk.
    What is no CT perfusion series is listed with the reason. The same images give the same
    bytes, whenever and wherever they are analysed.

    For example:

    - perfusion-node analyse scan.zip --out results

    - perfusion-node analyse scan --out results --nifti --only parametric_map --no-html

    - perfusion-node analyse scan --out results --thresholds tmax=8,rcbf=0.34

    Exit code 1 where no series was analysed, or one that was meant as CT perfusion was not.
    """
    from node.cli.analysis import analyse_all
    from node.cli.drawer import earlier_results
    from node.cli.instances import read
    from node.series import put_together

    kinds = kinds_of(only)
    exports = exports_of({"nifti": nifti, "png": png, "html": html}, kinds)
    settings = with_thresholds(settings_from(config), thresholds)
    _require_folder(out)
    with Node(settings) as node, files_of(folder, leave_out=earlier_results(out)) as files:
        found = read(files)
        _note_the_rest(found)
        series = put_together(found.series)
        answers = analyse_all(series, node, out, exports, kinds) if found.series else []
    if json:
        print_json(
            {
                "files": found.files,
                "unreadable_files": found.unreadable,
                "repeated_files": found.repeated,
                "series": [answer.as_json() for answer in answers],
            }
        )
    else:
        _print(answers)
        if not found.series:
            note(f"There is no DICOM image in {folder} ({counted(found.files, 'file')}).", "red")
    good = any(a.analysed for a in answers) and not any(a.is_owed_maps for a in answers)
    raise typer.Exit(0 if good else 1)


def _require_folder(out: Path) -> None:
    """Make the folder of the results; told before minutes of work, not after."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (probe := out / ".writable").touch()
        probe.unlink()
    except OSError as fault:
        raise BadCallError(
            f"--out {out} is a file"
            if out.is_file()
            else f"--out {out} cannot be written to: {fault.strerror}",
            "Name a folder that this user may write to; it is made if absent.",
        ) from fault


def _note_the_rest(found: "Found") -> None:
    if found.unreadable:
        example = f", for example {found.example}" if found.example else ""
        note(f"{found.unreadable} of {counted(found.files, 'file')} passed over{example}")
    if found.repeated:
        note(f"{counted(found.repeated, 'file')} passed over: images that are there already.")


def _print(answers: "list[Answer]") -> None:
    for answer in answers:
        head = f"{answer.title} ({counted(answer.images, 'image')})"
        style = "bold green" if answer.analysed else "bold yellow"
        print_record(head, _lines(answer), style=style)
    if answers:
        say("Not for diagnostic use.", style="bold")


def _lines(answer: "Answer") -> Iterator[str]:
    yield answer.series_instance_uid
    if answer.reason:
        word = "refused" if answer.refused else "failed"
        yield f"{word}: {answer.reason.found.rstrip('. ')}. {answer.reason.remedy}"
    yield ", ".join(answer.volumes())
    for flag in answer.flags():
        yield f"{flag.code.replace('_', ' ')}: {flag.found.rstrip('. ')}. {flag.remedy}"
    if passed := [check for check in answer.checks() if check.grade == "ok"]:
        readings = chain.from_iterable(check.readings for check in passed)
        numbers = (f"{each.name}: {each.measured} ({each.limit})" for each in readings)
        yield f"{len(passed)} of {len(answer.checks())} checks ok: {'; '.join(numbers)}"
    if answer.folder:
        yield f"{counted(answer.objects, 'object')} in {answer.folder}"
    yield from answer.notes
