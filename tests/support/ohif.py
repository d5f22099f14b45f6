"""A real OHIF viewer over a real Orthanc, in headless Chromium, all in one network namespace."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.chromium import Browser, chromium
from tests.support.ohif_server import READY
from tests.support.orthanc import HTTP_PORT, Orthanc
from tests.support.peers import missing, require_file
from tests.support.running_node import ROOT

PORT = 3000  # inside the namespace, where nobody else is
DICOM_WEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
PATIENCE_S = 300.0  # every picture is drawn by one processor that has other work
Rgb = tuple[int, int, int]
# OHIF gives its pages `cornerstone`, which knows where a patient coordinate is drawn.
_EYES = """
window.view = () => cornerstone.getRenderingEngines().flatMap(e => e.getViewports())
  .find(v => !v.id.startsWith('renderGPU'));
window.thumbnail = number =>
  document.querySelector(`[data-cy^="study-browser-thumbnail"][data-series="${number}"]`);
window.hang = number => thumbnail(number).dispatchEvent(
  new MouseEvent('dblclick', {bubbles: true, cancelable: true, view: window, detail: 2}));
window.images = () => window.view()?.getImageIds?.() ?? [];
window.turn = async uid => {
  window.shown = '';
  const v = view();
  await v.setImageIdIndex(images().findIndex(id => id.includes(uid)));
  v.element.addEventListener('CORNERSTONE_IMAGE_RENDERED', () => { window.shown = uid },
    {once: true});
  v.render();
};
window.seen = places => {
  const v = view(), drawn = v.canvas.getContext('2d');
  const scale = v.canvas.width / v.canvas.clientWidth;
  return places.map(place => {
    const [x, y] = v.worldToCanvas(place).map(c => Math.round(c * scale));
    return [...drawn.getImageData(x, y, 1, 1).data].slice(0, 3);
  });
};
"""


@dataclass(frozen=True)
class Viewer:
    """OHIF with a study open in it."""

    browser: Browser

    @property
    def series_numbers(self) -> list[int]:
        """The series that it offers, in its order."""
        thumbnails = "[...document.querySelectorAll('[data-cy^=\"study-browser-thumbnail\"]')]"
        return [int(n) for n in self.browser.run(f"{thumbnails}.map(t => t.dataset.series)")]

    def hang(self, series_number: int, sop_instance_uid: str) -> None:
        """Show a series as a person does, by a double click, until this image is among it."""
        self._wait(f"!!thumbnail({series_number})")
        self.browser.run(f"hang({series_number})")
        wanted = f"images().some(id => id.includes({json.dumps(sop_instance_uid)}))"
        self._wait(f"{wanted} && view().viewportStatus === 'rendered'")

    def lay_over(self, series_number: int) -> None:
        """Open a Segmentation over the series that hangs."""
        self._wait(f"!!thumbnail({series_number})")
        self.browser.run(f"hang({series_number})")
        self._wait("services.segmentationService.getSegmentations().length > 0")
        representations = "getSegmentationRepresentations(view().id)"
        self._wait(f"services.segmentationService.{representations}.length > 0")

    def turn(self, sop_instance_uid: str) -> None:
        """Scroll to an image and wait until it is drawn."""
        uid = json.dumps(str(sop_instance_uid))
        self.browser.run(f"void turn({uid})")
        self._wait(f"shown === {uid}")

    def seen(self, places: Sequence[Sequence[float]]) -> list[Rgb]:
        """The colours on the screen at patient coordinates [mm]."""
        found: list[list[int]] = self.browser.run(f"seen({json.dumps([list(p) for p in places])})")
        return [(r, g, b) for r, g, b in found]

    def skip_tour(self) -> None:
        """Close what greets a new user."""
        buttons = "[...document.querySelectorAll('button, span, a')]"
        self.browser.run(f"{buttons}.find(e => e.innerText === 'Skip all')?.click()")

    def picture(self, path: Path) -> None:
        """Write what is seen as a PNG file."""
        self.browser.picture(path)

    def _wait(self, script: str) -> Any:
        return self.browser.wait(script, patience_s=PATIENCE_S)


@contextmanager
def opened(
    orthanc: Orthanc, study: str, *, width: int = 800, height: int = 600
) -> Iterator[Viewer]:
    """OHIF with a study of ``orthanc``, which must have been started with :func:`dicom_web`."""
    folder = require_ohif()
    server = [sys.executable, "-m", "tests.support.ohif_server", folder, str(PORT), str(HTTP_PORT)]
    command = [*orthanc.inside, *map(str, server)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as serving:
        try:
            assert serving.stdout is not None
            assert serving.stdout.readline().strip() == READY
            with chromium(inside=orthanc.inside, webgl=True) as browser:
                browser.look(width=width, height=height)
                address = f"http://127.0.0.1:{PORT}/viewer?StudyInstanceUIDs={study}"
                browser.open(address, patience_s=PATIENCE_S)
                browser.wait("!!(window.cornerstone && window.services)", patience_s=PATIENCE_S)
                browser.run(_EYES)
                yield Viewer(browser)
        finally:
            serving.terminate()


def dicom_web() -> dict[str, Any]:
    """Orthanc's settings with DICOMweb; skips, or fails where CI=true, without the plugin."""
    plugin = require_file(DICOM_WEB, package="orthanc-dicomweb")
    return {"Plugins": [str(plugin)], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"}}


def require_ohif() -> Path:
    """The folder of OHIF's built files; skips, or fails where CI=true, if it is not there."""
    found = sorted((ROOT / ".cache").glob("ohif-*/dist/index.html"))
    if not found:
        missing("OHIF is missing: make peers (npm pack @ohif/app)")
    return found[-1].parent
