"""A real, headless Chromium, driven through its DevTools pipe (no driver, no open port)."""

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.peers import require
from tests.support.running_node import wait_for

PATIENCE_S = 60.0
QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
)
NO_GRAPHICS = ("--disable-gpu",)
WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # drawn by the processor
# Chromium reads its commands from descriptor 3 and answers on 4. They are moved out of the way
# first, as one of the two may hold the other's number.
_ON_3_AND_4 = """
import fcntl, os, sys
kept = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
os.dup2(kept[0], 3)
os.dup2(kept[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


# DevTools' words for a page that goes away while it is being asked.
_GONE_ON = ("navigated or closed", "context was destroyed", "Cannot find context")


class PageGoneOnError(AssertionError):
    """The page was left for another while it was asked for something."""


class Browser:
    """One page of a running Chromium.

    Parameters
    ----------
    to_browser, from_browser
        The pipe's ends: messages are JSON, each ended by NUL.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to = os.fdopen(to_browser, "wb", buffering=0)
        self._from = os.fdopen(from_browser, "rb", buffering=0)
        self._unread = b""
        self._number = 0
        self._session = ""
        self.complaints: list[str] = []
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        attached = self.tell("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a DevTools command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self._listen(answer)
        if "error" in answer:
            said = f"{method}: {answer['error']}"
            raise (PageGoneOnError if any(w in said for w in _GONE_ON) else AssertionError)(said)
        return dict(answer["result"])

    def open(self, address: str, patience_s: float = PATIENCE_S) -> None:
        """Goes to an address and waits until it is loaded."""
        self.tell("Page.navigate", url=address)
        loaded = f"location.href === {json.dumps(address)} && document.readyState === 'complete'"
        self.wait(loaded, patience_s)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.tell("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str, patience_s: float = PATIENCE_S) -> Any:
        """The first true value of an expression, also in a page that comes meanwhile."""

        def value() -> Any:
            with suppress(PageGoneOnError):
                return self.run(script)

        return wait_for(value, script, patience_s)

    def text(self, selector: str = "body") -> str:
        """The visible text of the first element that matches; empty without one."""
        return str(self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def press(self, key: str) -> None:
        """Presses one key, as a person does."""
        typed = key if len(key) == 1 else ""
        self.tell("Input.dispatchKeyEvent", type="keyDown", key=key, text=typed)
        self.tell("Input.dispatchKeyEvent", type="keyUp", key=key)

    def look(self, *, width: int, height: int, dark: bool = False, phone: bool = False) -> None:
        """Sets the window's size and whether the person prefers dark."""
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Writes what is seen (or the ``whole`` page) as a PNG file."""
        shot = self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _listen(self, event: dict[str, Any]) -> None:
        """Keeps what the browser complains of: errors of scripts and of the security policy."""
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(str(parameters["entry"]["text"]))
        elif event.get("method") == "Page.javascriptDialogOpening":
            self.complaints.append(f"dialog: {parameters['message']}")

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            got = self._from.read(65_536)
            assert got, "Chromium ended"
            self._unread += got
        message, self._unread = self._unread.split(b"\0", 1)
        return dict(json.loads(message))


@contextmanager
def chromium(*, inside: Sequence[str] = (), webgl: bool = False) -> Iterator[Browser]:
    """A browser with a fresh profile, ended afterwards.

    Parameters
    ----------
    inside
        A command that runs another one in a network namespace.
    webgl
        Whether pages may draw with it.
    """
    program = require("chromium", package="chromium")
    read_by_it, to_browser = os.pipe()
    from_browser, written_by_it = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                *(*inside, sys.executable, "-c", _ON_3_AND_4),
                *(str(read_by_it), str(written_by_it)),
                *(program, *QUIET, *(WEBGL if webgl else NO_GRAPHICS)),
                *("--remote-debugging-pipe", f"--user-data-dir={profile}"),
            ],
            pass_fds=(read_by_it, written_by_it),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_by_it)
        os.close(written_by_it)
        try:
            browser = Browser(to_browser, from_browser)
            yield browser
        finally:
            process.terminate()
            process.wait(30)
