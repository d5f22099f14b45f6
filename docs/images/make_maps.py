"""Makes docs/images/maps.png: six colour series of one result, as a PACS received them.

Run from the repository's root: ``python -m docs.images.make_maps FOLDER``, where the folder
holds the DICOM objects of one result: the demo's ``.demo/archive``, or what
``perfusion-node analyse`` wrote. The pixels are those of the Secondary Captures, none drawn or
scaled here; the slice is the one with the largest core.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import SecondaryCaptureImageStorage, SegmentationStorage

PICTURE = Path(__file__).parent / "maps.png"
ROWS = (("CBF", "CBV", "MTT"), ("TTP", "TMAX", "LESION"))
GAP = 16  # pixels between and around the pictures


def main() -> None:
    """Writes the picture."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.images.make_maps FOLDER")
    objects = read(Path(sys.argv[1]))
    montage(objects).save(PICTURE, optimize=True)


def read(folder: Path) -> list[Dataset]:
    """Every pictured or segmented object below a folder."""
    objects: list[Dataset] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            dataset = dcmread(path)
        except InvalidDicomError:
            continue
        if dataset.SOPClassUID in (SecondaryCaptureImageStorage, SegmentationStorage):
            objects.append(dataset)
    return objects


def montage(objects: Sequence[Dataset]) -> Image.Image:
    """One slice of each colour series, side by side in :data:`ROWS`.

    Raises
    ------
    SystemExit
        If the objects are not those of one result.
    """
    place = instructive_mm(objects)
    rows = [[picture(objects, flavour, place) for flavour in row] for row in ROWS]
    height, width = rows[0][0].shape[:2]
    sheet = np.zeros((GAP + 2 * (height + GAP), GAP + 3 * (width + GAP), 3), np.uint8)
    for y, row in enumerate(rows):
        for x, pixels in enumerate(row):
            top, left = GAP + y * (height + GAP), GAP + x * (width + GAP)
            sheet[top : top + height, left : left + width] = pixels
    return Image.fromarray(sheet)


def picture(objects: Sequence[Dataset], flavour: str, place_mm: float) -> np.ndarray:
    """The pixels of a colour series' slice at a place along the normal."""
    slices = [o for o in objects if str(o.get("ImageType", [""])[-1]) == flavour]
    if not slices or len({o.SeriesInstanceUID for o in slices}) != 1:
        sys.exit(f"the folder must hold one {flavour} series, of one result")
    nearest = min(slices, key=lambda o: abs(along_mm(o, o) - place_mm))
    return np.asarray(nearest.pixel_array)


def instructive_mm(objects: Sequence[Dataset]) -> float:
    """Where along the normal most core lies, or most hypoperfusion where there is no core."""
    segmentation = next((o for o in objects if o.SOPClassUID == SegmentationStorage), None)
    if segmentation is None:
        sys.exit("the folder holds no Segmentation")
    shared = segmentation.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    names = {s.SegmentNumber: str(s.SegmentLabel) for s in segmentation.SegmentSequence}
    areas: dict[str, dict[float, int]] = {"Core": {}, "Hypoperfusion": {}, "Brain": {}}
    frames = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    groups = segmentation.PerFrameFunctionalGroupsSequence
    for group, frame in zip(groups, frames, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        place = along_mm(group.PlanePositionSequence[0], shared)
        areas[names[number].partition(" (")[0]][place] = int(frame.sum())
    largest = next(each for each in areas.values() if any(each.values()))
    return max(sorted(largest), key=lambda place: largest[place])


def along_mm(position: Dataset, orientation: Dataset) -> float:
    """The place of a plane along its normal [mm]."""
    cosines = np.array(orientation.ImageOrientationPatient, float)
    normal = np.cross(cosines[:3], cosines[3:])
    return round(float(np.array(position.ImagePositionPatient, float) @ normal), 3)


if __name__ == "__main__":
    main()
