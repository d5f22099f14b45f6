"""dciodvfy and dcentvfy (dicom3tools) on result objects, with the messages that are known."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pydicom import Dataset

from tests.support.peers import require

# What dicom3tools of 2022 says of conformant objects; DICOM.md section 4 has the table.
OUTDATED = (
    # Type 2 attributes may be empty; only a medium's directory would need a value.
    r"Warning - Missing attribute or value that would be needed to build DICOMDIR - Study .*",
    # PS3.3 C.8.16.1.4 has QUANTITY since 2022.
    r"Warning - Unrecognized defined term <QUANTITY> for value 4 of attribute <(Image|Frame) Type>",
    # A CT image of a quantity: values of these attributes are not enumerated (C.8.2.1.1.1, C.11.1).
    r"Warning - Unrecognized defined term <(CBF|CBV|MTT|TTP|TMAX)> for value 4 of attribute "
    r"<Image Type>",
    r"Warning - Unrecognized defined term <US> for value 1 of attribute <Rescale Type>",
    # The Secondary Capture IOD has Image Plane (U) and Frame of Reference (C) since 2024.
    r"Warning - Attribute is not present in standard DICOM IOD - "
    r"\((0x0018,0x0050|0x0020,0x0032|0x0020,0x0037|0x0020,0x0052|0x0020,0x1040|0x0020,0x1041)\) .*",
    # A local coding scheme, which every object that uses it identifies (PS3.16 8.2).
    r"Warning - Unrecognized defined term <99PERFNODE> for value 1 of attribute "
    r"<Coding Scheme Designator>",
    # dcentvfy's own tables have the accession number in the study of an image, yet in the series
    # of a document; the values, which would be told as different, are the same.
    r"Warning - Different information entities for attribute - Element=<AccessionNumber> "
    r"IE <(Series> versus <Study|Study> versus <Series)> .*",
    r"Warning - Dicom dataset contains attributes not present in standard DICOM IOD - "
    r"this is a Standard Extended SOP Class",
)


def written(datasets: Sequence[Dataset], folder: Path) -> list[Path]:
    """The datasets as Part 10 files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:04d}.dcm" for number in range(len(datasets))]
    for dataset, path in zip(datasets, paths, strict=True):
        dataset.save_as(path, enforce_file_format=True)
    return paths


def iod_complaints(paths: Sequence[Path]) -> list[str]:
    """Errors and warnings of dciodvfy that are not known to be its own."""
    program = require("dciodvfy", package="dicom3tools")
    complaints = []
    for path in paths:
        lines = _lines([program, str(path)])
        said = [line.strip() for line in lines if line.startswith(("Error", "Warning"))]
        complaints += [f"{path.name}: {line}" for line in said if not _known(line)]
    return complaints


def entity_complaints(paths: Sequence[Path]) -> list[str]:
    """What dcentvfy says of patient, study and series across all the files."""
    program = require("dcentvfy", package="dicom3tools")
    said = _lines([program, *map(str, paths)])
    return [line for line in said if line and not _known(line)]


def _lines(command: Sequence[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    return (done.stdout + done.stderr).splitlines()


def _known(line: str) -> bool:
    return any(re.fullmatch(pattern, line) for pattern in OUTDATED)
