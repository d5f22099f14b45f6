"""A request that comes just as the wait for it has ended."""

import socket
from pathlib import Path
from typing import Any

import pytest

from node.scp.upper_layer import UpperLayer
from tests.support.listening import listening
from tests.support.running_node import wait_for
from tests.support.upper_layer import associate_rq, read_pdu


def test_a_request_that_comes_as_the_wait_for_it_ends_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody will answer it: its sender must not wait, and the next one is served."""
    received = UpperLayer.receive_pdu
    missed: list[UpperLayer] = []

    def just_too_late(layer: UpperLayer, *args: Any, **kwargs: Any) -> Any:
        if missed:
            return received(layer, *args, **kwargs)
        missed.append(layer)
        wait_for(lambda: layer.state_machine.current_state == "Sta3", "the request is read")
        return None

    monkeypatch.setattr(UpperLayer, "receive_pdu", just_too_late)
    request = associate_rq(b"PERFUSION", b"SENDER")
    with listening(tmp_path / "spool") as node:
        with socket.create_connection(("127.0.0.1", node.port), timeout=10) as late:
            late.sendall(request)
            assert read_pdu(late) == b""
        wait_for(lambda: not missed[0].is_alive(), "its thread has ended")
        with socket.create_connection(("127.0.0.1", node.port), timeout=10) as next_one:
            next_one.sendall(request)
            assert read_pdu(next_one)[0] == 0x02
