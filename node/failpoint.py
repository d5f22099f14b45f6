"""Where a process dies if a test asks for it: the steps between which nothing may be lost.

Without the environment variable every call is one look at a constant.
"""

import itertools
import os
import signal
from enum import StrEnum
from functools import cache

VARIABLE = "PERFUSION_NODE_DIE_AT"
"""``STEP NUMBER``: the process kills itself when it passes a :class:`Step` that many times."""


class Step(StrEnum):
    """What has just happened, in a scan's order from the socket to the confirmation."""

    RECEIVED = "received"
    """A C-STORE request is read; nothing is on disk."""
    DRAFTED = "drafted"
    """The bytes are synchronised, without a name or under a temporary one."""
    LINKED = "linked"
    """The file has its name; the folder is not synchronised."""
    KEPT = "kept"
    """The file is durable; the registry knows nothing of it."""
    RECORDED = "recorded"
    """The registry has it; the sender has no answer."""
    EXAMINED_AHEAD = "examined ahead"
    """A series in its grace is being examined; nobody has it."""
    COMPLETED = "completed"
    """The series is complete; nobody was woken."""
    WOKEN = "woken"
    """A wake-up is in the queue; the sweep has not gone on."""
    LEASED = "leased"
    """A worker has the analysis; it has read nothing."""
    PREDICTED = "predicted"
    """The maps are computed; no object of theirs is on disk."""
    RESULT_DRAFTED = "result drafted"
    """A result is read back; it has no name yet."""
    RESULT_KEPT = "result kept"
    """A result is durable; the registry knows of none."""
    ANALYSED = "analysed"
    """The registry has the results and what is owed; nothing was sent."""
    DELIVERY_LEASED = "delivery leased"
    """A worker has the delivery; no association is open."""
    ANSWERED = "answered"
    """The destination has taken an object; the registry does not know."""
    DELIVERED = "delivered"
    """The registry has the answer; other objects wait."""
    SEARCHED = "searched"
    """The destination has said what it has; the registry does not know."""
    SETTLED = "settled"
    """The registry says how the delivery ended."""
    COMMITMENT_LEASED = "commitment leased"
    """A worker has the commitment; nothing is asked for."""
    TRANSACTION_RECORDED = "transaction recorded"
    """The registry has the transaction; the destination was not asked."""
    ASKED = "asked"
    """The destination has accepted the request; the registry does not know."""
    REPORTED = "reported"
    """The destination's reply is read; the registry does not have it."""
    REPORT_RECORDED = "report recorded"
    """The registry has the reply; the destination has no answer to it."""
    CONFIRMED = "confirmed"
    """The registry says how the commitment stands."""
    EXPIRY_BEGUN = "expiry begun"
    """The registry says that files of a finished series go; all are there."""
    FILES_DELETED = "files deleted"
    """They are gone; the registry names them."""
    EXPIRED = "expired"
    """The registry has forgotten them."""


def passed(step: Step) -> None:
    """Go on, or die by SIGKILL if this is where a test wants it."""
    wanted = _wanted()
    if wanted is not None and wanted[0] == step and next(wanted[2]) == wanted[1]:
        os.kill(os.getpid(), signal.SIGKILL)


@cache
def _wanted() -> tuple[Step, int, "itertools.count[int]"] | None:
    """The step, which time, and a count of the times; None where nobody wants any."""
    asked = os.environ.get(VARIABLE)
    if not asked:
        return None
    name, _, number = asked.rpartition(" ")
    return Step(name), int(number), itertools.count(1)
