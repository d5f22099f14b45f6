"""Result objects taken in one by one; files come out as soon as they can be made."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydicom import Dataset

from node.derived import DerivedObject, ObjectKind, map_quantity, read_map
from node.exports.nifti import (
    background_hu,
    is_even,
    nifti,
    segment_masks,
    unevenness_mm,
)
from node.exports.page import Person, page
from node.exports.pictures import Picture, picture, png
from node.exports.stacks import stacked
from node.series import Geometry

ExportKind = Literal["nifti", "png", "html"]
NEEDS: Mapping[ExportKind, ObjectKind] = {"nifti": "parametric_map", "png": "colour"}
"""The objects without which there would be nothing to export; the page takes what there is."""
_WHOLE = ("summary_page", "refusal_page")


@dataclass(frozen=True)
class ExportFile:
    """A file to be written: its path below the results' folder, and its bytes."""

    name: str
    data: bytes


class Exporter:
    """Files made from the very objects that a PACS would get, so that both say the same.

    Parameters
    ----------
    wanted
        What to make.

    Attributes
    ----------
    notes
        What could not be made, and why, in sentences.
    """

    def __init__(self, wanted: frozenset[ExportKind]) -> None:
        self.notes: list[str] = []
        self._wanted = wanted
        self._geometry: Geometry | None = None
        self._segmentation: Dataset | None = None
        self._background: list[Dataset] = []
        self._pictures: list[Picture] = []
        self._whole: list[Picture] = []
        self._person: Person | None = None

    def add(self, made: DerivedObject) -> Iterator[ExportFile]:
        """The files that this object alone is enough for; the rest is kept for :meth:`finish`."""
        dataset = made.dataset
        self._person = self._person or Person.of(dataset)
        if made.kind == "colour" or made.kind in _WHOLE:
            yield from self._pictured(made)
        if made.kind == "segmentation":
            self._segmentation = dataset
        if "nifti" not in self._wanted:
            return
        if made.kind == "background":
            self._background.append(dataset)
        elif made.kind == "parametric_map":
            yield from self._mapped(dataset)

    def finish(self, facts: Mapping[str, Any]) -> Iterator[ExportFile]:
        """The files that need all objects.

        Parameters
        ----------
        facts
            What ``numbers.json`` says.
        """
        if self._geometry is not None and is_even(self._geometry):
            yield from self._volumes(self._geometry)
        if "html" in self._wanted and self._person is not None:
            stacks = stacked(self._pictures, self._segmentation)
            text = page(self._person, facts, stacks, self._whole)
            yield ExportFile("report.html", text.encode())

    def _pictured(self, made: DerivedObject) -> Iterator[ExportFile]:
        description = str(made.dataset.SeriesDescription)
        if "html" in self._wanted:
            shelf = self._whole if made.kind in _WHOLE else self._pictures
            shelf.append(picture(made.dataset, description))
        if "png" in self._wanted:
            name = re.sub(r"[^A-Za-z0-9]+", "-", description).strip("-")
            number = "" if made.kind in _WHOLE else f"-{made.dataset.InstanceNumber:04d}"
            yield ExportFile(f"png/{name}{number}.png", png(made.dataset))

    def _mapped(self, dataset: Dataset) -> Iterator[ExportFile]:
        values, geometry = read_map(dataset)
        if self._geometry is None and not is_even(geometry):
            self.notes.append(
                f"No NIfTI: slices lie up to {unevenness_mm(geometry):.1f} mm off an even grid, "
                "which is all that NIfTI knows. The parametric maps hold every position."
            )
        self._geometry = geometry
        if is_even(geometry):
            quantity = map_quantity(dataset)
            meaning = f"{quantity.meaning.name} [{quantity.meaning.unit}]"
            yield _nifti_file(quantity, nifti(values, geometry, _described(meaning)))

    def _volumes(self, geometry: Geometry) -> Iterator[ExportFile]:
        """The segments, and the CT that they lie on."""
        if self._segmentation is not None:
            for label, mask in segment_masks(self._segmentation, geometry).items():
                yield _nifti_file(label.lower(), nifti(mask, geometry, _described(label)))
        if self._background:
            hu = background_hu(self._background)
            yield _nifti_file("background", nifti(hu, geometry, _described("Background CT [HU]")))


def _nifti_file(name: str, data: bytes) -> ExportFile:
    return ExportFile(f"nifti/{name}.nii.gz", data)


def _described(meaning: str) -> str:
    return f"{meaning}, not for diagnostic use"
