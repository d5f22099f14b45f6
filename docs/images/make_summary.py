"""Makes docs/images/summary.png: the summary page of one result, as a PACS received it.

Run from the repository's root: ``python -m docs.images.make_summary FOLDER``, where the folder
holds the DICOM objects of one result: the demo's ``.demo/archive``, or what
``perfusion-node analyse`` wrote. The pixels are those of the Secondary Capture, none drawn or
scaled here.
"""

import sys
from pathlib import Path

from PIL import Image

from docs.images.make_maps import read

PICTURE = Path(__file__).parent / "summary.png"


def main() -> None:
    """Writes the picture."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m docs.images.make_summary FOLDER")
    objects = read(Path(sys.argv[1]))
    pages = [o for o in objects if str(o.get("ImageType", [""])[-1]) == "SUMMARY"]
    if len(pages) != 1:
        sys.exit(f"the folder must hold one summary page; it holds {len(pages)}")
    Image.fromarray(pages[0].pixel_array).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
