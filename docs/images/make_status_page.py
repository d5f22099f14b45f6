"""Makes the pictures of the status page with a made-up night, in real Chromium.

Run from the repository's root: ``python -m docs.images.make_status_page RESULTS [FOLDER]``, where
RESULTS holds the DICOM objects of one result (what ``perfusion-node analyse`` wrote): the maps on
the page of a series. Writes status-page.png, status-series.png and status-rules.png beside this
file; with a FOLDER every page there instead, light, dark and on a phone, to look at after a change.
"""

import json
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from docs.images.make_maps import ROWS, read
from node.ports import ResultRecord
from tests.support import night
from tests.support.chromium import Browser, chromium
from tests.support.fake_archive import FakeArchive
from tests.support.guarded import PASSWORD, guarded
from tests.support.serving import served

HERE = Path(__file__).parent
MAPS = {name for row in ROWS for name in row}
SERIES = "1.2.826.0.1.3680043.8.498"
PAGES = {
    "queue": "/",
    "delivered": f"/series/{SERIES}.65",
    "waiting": f"/series/{SERIES}.3",
    "failed": f"/series/{SERIES}.48",
    "log": f"/series/{SERIES}.48/log",
    "destinations": "/destinations",
    "system": "/system",
    "rules": "/rules?peer=CT_REVOLUTION&description=NEURO+PERFUSION+jog&protocol=Stroke+alert",
    "api": "/docs",
    "unknown": "/series/1.2.3",
}
LOOKS = {
    "light": {"width": 1280, "height": 900},
    "dark": {"width": 1280, "height": 900, "dark": True},
    "phone": {"width": 390, "height": 844, "phone": True},
}


def main() -> None:
    """Writes the pictures."""
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m docs.images.make_status_page RESULTS [FOLDER]")
    archive = with_maps(Path(sys.argv[1]))
    with ExitStack() as stack:
        people = stack.enter_context(
            guarded(Path(stack.enter_context(TemporaryDirectory())), archive)
        )
        people.add("anna")
        address = stack.enter_context(served(people.app()))
        browser = stack.enter_context(chromium())
        sign_in(browser, address)
        if len(sys.argv) == 2:
            browser.look(**LOOKS["light"])
            for name, shown in (("page", "queue"), ("series", "delivered"), ("rules", "rules")):
                see(browser, address + PAGES[shown])
                browser.picture(HERE / f"status-{name}.png")
            return
        folder = Path(sys.argv[2])
        folder.mkdir(parents=True, exist_ok=True)
        for look, facts in LOOKS.items():
            browser.look(**facts)
            for name, path in PAGES.items():
                see(browser, address + path)
                browser.picture(folder / f"{name}-{look}.png", whole=True)


def sign_in(browser: Browser, address: str) -> None:
    """As an operator: what they see is what the pictures show."""
    browser.open(f"{address}/sign-in")
    words = json.dumps(["anna", PASSWORD])
    browser.run(
        f"[document.querySelector('[name=name]').value, "
        f"document.querySelector('[name=password]').value] = {words}; "
        "document.querySelector('[name=password]').form.requestSubmit()"
    )
    browser.wait("document.querySelector('#who') !== null")


def see(browser: Browser, address: str) -> None:
    """Opens a page and waits for everything on it."""
    browser.open(address)
    browser.wait("document.querySelector('#link').innerText !== 'without updates'")
    browser.run("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; })")
    browser.wait("[...document.images].every((image) => image.complete)")


def with_maps(folder: Path) -> FakeArchive:
    """The night, one of whose delivered series has those result objects."""
    archive = night.archive()
    record = archive.series(f"{SERIES}.65")
    objects = [o for o in read(folder) if str(o.ImageType[-1]) in MAPS]
    if not objects:
        sys.exit(f"no colour maps of a result lie in {folder}")
    pictured = tuple(
        ResultRecord(
            sop_instance_uid=str(each.SOPInstanceUID),
            sop_class_uid=str(each.SOPClassUID),
            series_instance_uid=str(each.SeriesInstanceUID),
            kind="colour",
            description=str(each.SeriesDescription),
            path=Path(str(each.filename)),
            revision=1,
        )
        for each in sorted(objects, key=lambda o: (int(o.SeriesNumber), int(o.InstanceNumber)))
    )
    others = (result for result in record.results if result.kind != "colour")
    archive.put(replace(record, results=(*pictured, *others)))
    return archive


if __name__ == "__main__":
    main()
