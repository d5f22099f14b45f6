"""Someone who has the status page open, and a monitor that asks: every few seconds, for hours."""

from typing import Any, Self

import httpx

from node.jobs.beside import Beside
from tests.support.running_node import wait_for
from tests.support.serving import answers

EVERY_S = 3.0
_ASKED = ("/", "/api/queue", "/api/series", "/destinations", "/metrics", "/health/ready")


class Reader(Beside):
    """Reads pages from a thread of its own; further questions are asked by hand.

    Attributes
    ----------
    pages
        How many were read.
    faults
        What was answered badly, in words.
    """

    def __init__(self, port: int) -> None:
        super().__init__("reader")
        self.pages = 0
        self.faults: list[str] = []
        self._address = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        wait_for(lambda: answers(self._address), "the status page answers")
        return super().__enter__()

    def series(self, uid: str) -> dict[str, Any]:
        """Everything about one series; empty where it is not known yet."""
        try:
            answer = httpx.get(f"{self._address}/api/series/{uid}", timeout=30.0)
        except httpx.TransportError as problem:
            self.faults.append(f"the page does not answer: {problem}")
            return {}
        return dict(answer.json()) if answer.status_code == 200 else {}

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            for path in _ASKED:
                try:
                    status = httpx.get(self._address + path, timeout=30.0).status_code
                except httpx.TransportError as problem:
                    self.faults.append(f"{path} does not answer: {problem}")
                else:
                    self.pages += 1
                    if status != 200:
                        self.faults.append(f"{path} answers {status}")
