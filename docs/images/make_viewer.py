"""Makes docs/images/viewer.png: a result's study open in OHIF, as a radiologist finds it.

Run from the repository's root: ``python -m docs.images.make_viewer FOLDER``, where the folder
holds the DICOM objects of one result, for example what ``perfusion-node analyse`` wrote. They
are sent to a real Orthanc; OHIF in headless Chromium shows the background CT with the
Segmentation over it, at the slice with the largest core. Needs what ``make peers`` installs.
"""

import sys
import tempfile
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from docs.images.make_maps import along_mm, instructive_mm
from node.derived.background import PLAN as BACKGROUND
from node.derived.segmentation import PLAN as SEGMENTATION
from tests.support.ohif import dicom_web, opened
from tests.support.orthanc import running_orthanc, sent_to

PICTURE = Path(__file__).parent / "viewer.png"
WIDTH, HEIGHT = 1280, 800


def main() -> None:
    """Writes the picture."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.images.make_viewer FOLDER")
    objects = []
    for path in sorted(p for p in Path(sys.argv[1]).rglob("*") if p.is_file()):
        try:
            objects.append(dcmread(path))
        except InvalidDicomError:
            continue
    ground = [o for o in objects if o.get("SeriesDescription") == BACKGROUND.description]
    if not ground:
        sys.exit("the folder must hold the background CT of one result")
    place = instructive_mm(objects)
    image = min(ground, key=lambda o: abs(along_mm(o, o) - place))
    first = int(image.SeriesNumber) - BACKGROUND.offset
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_orthanc(folder, dicom_web()) as orthanc:
            sent_to(orthanc, objects, folder / "set")
            study = str(image.StudyInstanceUID)
            with opened(orthanc, study, width=WIDTH, height=HEIGHT) as viewer:
                viewer.hang(first, image.SOPInstanceUID)
                viewer.lay_over(first + SEGMENTATION.offset)
                viewer.turn(image.SOPInstanceUID)
                viewer.skip_tour()
                viewer.picture(PICTURE)


if __name__ == "__main__":
    main()
