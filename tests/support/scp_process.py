"""``perfusion-node scp`` as a process, to be killed, fuzzed and measured."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE

from node import failpoint
from tests.support.running_node import ROOT, wait_for


@contextmanager
def scp_process(
    folder: Path, port: int, die_at: str = "", settings: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """A listener from when it answers to the end of the block, where it is killed.

    ``die_at`` is a step and how often it is passed until the process dies; ``settings`` are
    further lines of its section.
    """
    config = folder / "node.toml"
    config.write_text(
        f'data_dir = "{folder}/data"\n[spool]\nmin_free_gib = 0.0\n[scp]\nport = {port}\n{settings}'
    )
    command = [sys.executable, "-m", "node.cli", "scp", "--until-stdin-closes", "-c", str(config)]
    with (folder / "scp.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,  # however this process ends, the listener does too
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1", failpoint.VARIABLE: die_at},
        )
    try:
        wait_for(lambda: send(port, []) == [], "the listener answers")
        yield process
    finally:
        process.kill()
        process.wait()


def send(port: int, datasets: Sequence[Dataset], address: str = "127.0.0.1") -> list[str] | None:
    """The instances that were acknowledged; None where nobody listens."""
    ae = AE("SCANNER1")
    # A listener that was killed answers nothing: how soon that is noticed is the sender's affair.
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 5.0
    ae.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    association = ae.associate(address, port, ae_title="PERFUSION")
    if not association.is_established:
        return None
    acknowledged = []
    for dataset in datasets:
        if not association.is_established:
            break
        answer = association.send_c_store(dataset)
        if "Status" in answer and answer.Status == 0x0000:
            acknowledged.append(str(dataset.SOPInstanceUID))
    association.release()
    return acknowledged
