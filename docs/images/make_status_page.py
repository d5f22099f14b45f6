"""Makes docs/images/status-page.png: the status page with a made-up night, in real Chromium.

Run from the repository's root: ``python -m docs.images.make_status_page [FOLDER]``; with a folder
it makes every page there, light, dark and on a phone, to look at after a change.
"""

import sys
from pathlib import Path

from node.status import create_app
from tests.support import night
from tests.support.chromium import chromium
from tests.support.serving import served

HERE = Path(__file__).parent
SERIES = "1.2.826.0.1.3680043.8.498"
PAGES = {
    "queue": "/",
    "delivered": f"/series/{SERIES}.65",
    "waiting": f"/series/{SERIES}.3",
    "failed": f"/series/{SERIES}.48",
    "destinations": "/destinations",
    "system": "/system",
    "api": "/docs",
    "unknown": "/series/1.2.3",
}
LOOKS = {
    "light": {"width": 1280, "height": 900},
    "dark": {"width": 1280, "height": 900, "dark": True},
    "phone": {"width": 390, "height": 844, "phone": True},
}


def main() -> None:
    """Writes the picture, or with a folder as argument all of them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with served(create_app(night.archive(), night.probes())) as address, chromium() as browser:
        if folder is None:
            browser.look(**LOOKS["light"])
            browser.open(address + "/")
            browser.wait("document.querySelector('#link').innerText === 'live'")
            browser.picture(HERE / "status-page.png")
            return
        folder.mkdir(parents=True, exist_ok=True)
        for look, facts in LOOKS.items():
            browser.look(**facts)
            for name, path in PAGES.items():
                browser.open(address + path)
                browser.wait("document.querySelector('#link').innerText !== 'without updates'")
                browser.picture(folder / f"{name}-{look}.png", whole=True)


if __name__ == "__main__":
    main()
