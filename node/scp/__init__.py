"""In: what senders push is taken in over C-STORE; success is answered once it is durable."""

from node.scp.counters import Counts
from node.scp.listener import Listener
from node.scp.recovery import Recovered, Recovery
from node.scp.statuses import Status
from node.scp.vitals import leave_vitals, read_vitals

__all__ = [
    "Counts",
    "Listener",
    "Recovered",
    "Recovery",
    "Status",
    "leave_vitals",
    "read_vitals",
]
