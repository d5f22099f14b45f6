"""``compare``: this node's results beside another software's, for the same scans."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.files import files_of
from node.cli.options import BadCallError, JsonOption
from node.cli.output import note, print_json, print_table

if TYPE_CHECKING:  # the command imports what it needs when it is called
    from pydicom import Dataset

    from node.comparison import Compared, Side
    from node.perfusion import Quantity

_ScaleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scale",
        metavar="MAP=FACTOR",
        help="Bring a map of theirs to this node's unit, such as cbv=0.1; repeatable.",
        show_default=False,
    ),
]


def compare(
    ours: Annotated[Path, typer.Argument(metavar="OURS", exists=True, help="This node's results.")],
    theirs: Annotated[
        Path, typer.Argument(metavar="THEIRS", exists=True, help="The other software's.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write comparison.csv and comparison.png there."),
    ] = None,
    scale: _ScaleOption = None,
    json: JsonOption = False,
) -> None:
    """Compare this node's maps and segments with another software's for the same scans.

    Both are folders (or zips) of DICOM files, of one study or many: studies pair up by their
    UID. Read are Parametric Maps, greyscale maps whose description names CBF, CBV, MTT, TTP or
    Tmax and whose rescaled values are in this node's unit (else see --scale), and binary
    Segmentations whose labels name core, hypoperfusion, penumbra or brain. Colour pictures hold
    no values.

    For every segment it says volumes and Dice overlap, for every map the correlation, the mean
    difference and Bland and Altman's limits of agreement over the brain.

    Exit code 1 where nothing could be compared.
    """
    from node.comparison import compared, picture

    scales = _scales(scale or [])
    pairs = _pairs(_sides(ours, scales={}), _sides(theirs, scales=scales))
    studies = [compared(one, other) for one, other in pairs]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "comparison.png").write_bytes(picture(studies))
        with (out / "comparison.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("study", "what", "unit", "ours", "theirs", "dice_or_r", "low", "high"))
            rows.writerows(_rows(studies))
    if json:
        print_json([_as_json(study) for study in studies])
    else:
        _print(studies)
    raise typer.Exit(0 if any(study.maps or study.segments for study in studies) else 1)


def _scales(given: Sequence[str]) -> "dict[Quantity, float]":
    from node.perfusion import Quantity

    scales = {}
    for each in given:
        name, _, factor = each.partition("=")
        try:
            quantity = next(q for q in Quantity if str(q).lower() == name.strip().lower())
            scales[quantity] = float(factor)
        except (StopIteration, ValueError):
            known = ", ".join(str(q).lower() for q in Quantity)
            raise BadCallError(
                f"--scale {each}: not one of {known} and a number", "Such as --scale cbv=0.1."
            ) from None
    return scales


def _sides(folder: Path, scales: "dict[Quantity, float]") -> "list[Side]":
    from node.comparison import sides

    with files_of(folder) as files:
        return sides(_datasets(files), scales)


def _datasets(files: "Sequence[Path]") -> "list[Dataset]":
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    found: list[Dataset] = []
    for path in files:
        try:
            dataset = dcmread(path)
        except InvalidDicomError:
            continue
        if "SOPClassUID" in dataset and "Rows" in dataset:
            found.append(dataset)
    return found


def _pairs(ours: "list[Side]", theirs: "list[Side]") -> "list[tuple[Side, Side]]":
    """Studies of the same UID; two that are alone on their sides are taken for one."""
    others = {side.study_instance_uid: side for side in theirs}
    if len(ours) == len(theirs) == 1:
        if ours[0].study_instance_uid not in others:
            note("The two studies have different UIDs; they are compared all the same.")
        return [(ours[0], theirs[0])]
    paired = [
        (one, others[one.study_instance_uid]) for one in ours if one.study_instance_uid in others
    ]
    if alone := len(ours) + len(theirs) - 2 * len(paired):
        note(f"{alone} studies are on one side only.")
    return paired


def _rows(studies: "Sequence[Compared]") -> list[tuple[object, ...]]:
    """A row for each segment and map of each study, for a table or a file."""
    rows: list[tuple[object, ...]] = []
    for study in studies:
        uid = study.study_instance_uid
        for seg in study.segments:
            volumes = f"{seg.ours_ml:.1f}", f"{seg.theirs_ml:.1f}"
            rows.append((uid, seg.name, "ml", *volumes, _figure(seg.dice), "", ""))
        for m in study.maps:
            means = f"{m.mean_theirs + m.bias:.2f}", f"{m.mean_theirs:.2f}"
            edges = f"{m.low:+.2f}", f"{m.high:+.2f}"
            name, unit = m.quantity.meaning.name, m.quantity.meaning.unit
            rows.append((uid, name, unit, *means, _figure(m.r), *edges))
    return rows


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _print(studies: "Sequence[Compared]") -> None:
    for study in studies:
        print_table(
            f"Study ...{study.study_instance_uid[-12:]}",
            ("", "Unit", "Ours", "Theirs", "Dice, r", "Limits", "of agreement"),
            [tuple(map(str, row[1:])) for row in _rows([study])],
        )
        for each in study.notes:
            note(each)


def _as_json(study: "Compared") -> dict[str, Any]:
    return {
        "study_instance_uid": study.study_instance_uid,
        "segments": [vars(segment) for segment in study.segments],
        "maps": [
            {
                "quantity": str(m.quantity),
                "unit": m.quantity.meaning.unit,
                "voxels": m.voxels,
                "r": m.r,
                "mean_theirs": m.mean_theirs,
                "bias": m.bias,
                "limits": [m.low, m.high],
            }
            for m in study.maps
        ],
        "notes": list(study.notes),
    }
