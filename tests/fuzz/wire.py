"""Broken and hostile conversations with listeners, each a process of its own: ``--wire``.

Of twenty inputs six are conversations broken below DICOM's messages, and fourteen are messages, as
many in one association as the listener allows. After every two thousand the same process must take
a sound image. At the end of a lap it must hold no more than in its middle, and its spool what was
acknowledged and nothing that cannot be read; then another listener is begun.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from tests.fuzz.ledger import Ledger
from tests.fuzz.messages import LONGEST_MIB
from tests.fuzz.talk import Talker
from tests.support.ctp import CtpSpec, build_instance
from tests.support.listening import encoded
from tests.support.processes import Use, peak_mib
from tests.support.running_node import free_port, wait_for
from tests.support.scp_process import scp_process, send

AT_ONCE = 100
GROUP = 20
EVERY = 2000
LAP = 10000
MOST_GROWTH_MIB = 24.0
# A registry keeps a connection for each thread that has needed one at the same time as others, and
# SQLite opens two files for each: so many more may stay. A leak is one for every broken input.
CONNECTIONS_KEPT = 2 * 4
# A listener that lets go sooner than in a hospital: what is waited for is how it does.
SETTINGS = (
    "idle_timeout_s = 2.0\npdu_timeout_s = 2.0\nmax_associations = 300\n"
    f"max_associations_per_peer = 300\nmax_instance_mib = {LONGEST_MIB}\n"
)
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in there: a sync costs nothing


@dataclass
class Heard:
    """How inputs ended, and what each listener held in the middle of its lap and at the end."""

    following: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    laps: list[tuple[Use, Use]] = field(default_factory=list)
    peak_mib: float = 0.0

    @property
    def inputs(self) -> int:
        """How many there were."""
        return self.endings.total()


def fuzz_wire(heard: Heard, cases: int, seed: int = 0, lap: int = LAP) -> Iterator[Heard]:
    """What was heard so far, after every lap.

    Parameters
    ----------
    heard
        Where a run goes on: at ``following``.
    cases
        The number at which it ends.
    seed
        Of all inputs.
    lap
        How many inputs each listener is given.

    Raises
    ------
    AssertionError
        If a listener dies, no longer takes a sound image, keeps threads, descriptors or memory,
        or its spool is not what was acknowledged.
    """
    while heard.following < cases:
        numbers = range(heard.following, min(heard.following + lap, cases))
        _one_listener(heard, seed, numbers)
        heard.following = numbers.stop
        yield heard


def _one_listener(heard: Heard, seed: int, numbers: range) -> None:
    where = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    bystander = build_instance(CtpSpec(), 0, 0)
    other = build_instance(CtpSpec(), 0, 1)
    port, ledger, told = free_port(), Ledger(), f"inputs {numbers.start} to {numbers.stop - 1}"
    with (
        tempfile.TemporaryDirectory(dir=where) as folder,
        scp_process(Path(folder), port, settings=SETTINGS) as process,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        talker = Talker(port, seed, (encoded(other), str(other.SOPInstanceUID)), ledger)
        uses = []
        assert send(port, [bystander]) == [str(bystander.SOPInstanceUID)]
        idle = _at_rest(process, Use.of(process.pid).threads)
        for first in range(numbers.start, numbers.stop, EVERY):
            part = range(first, min(first + EVERY, numbers.stop))
            groups = [part[i : i + GROUP] for i in range(0, len(part), GROUP)]
            for endings in pool.map(talker.talk, groups):
                heard.endings.update(endings)
            assert process.poll() is None, f"the listener died in {told}"
            taken = send(port, [bystander])
            assert taken == [str(bystander.SOPInstanceUID)], f"no service after {part.stop}"
            uses.append(_at_rest(process, idle.threads))
        heard.peak_mib = max(heard.peak_mib, peak_mib(process.pid))
        # What the busiest moment takes stays with the allocator: that is reached by the middle.
        middle = uses[len(uses) // 2]
        heard.laps.append((middle, uses[-1]))
        growth_mib = uses[-1].memory_mib - middle.memory_mib
        assert growth_mib < MOST_GROWTH_MIB, f"{told}: {growth_mib:.0f} MiB more than before"
        kept = uses[-1].descriptors - idle.descriptors
        assert kept <= CONNECTIONS_KEPT, f"{told}: {idle} became {uses[-1]}"
        ledger.compare(Path(folder) / "data" / "spool", told)


def _at_rest(process: "Popen[bytes]", threads: int) -> Use:
    """What the process holds once no association is left."""
    wait_for(lambda: Use.of(process.pid).threads <= threads, "the listener's threads end", 120)
    time.sleep(0.2)
    return Use.of(process.pid)
