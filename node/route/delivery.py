"""Results reach a destination."""

import time
from collections.abc import Callable, Sequence

from node import log
from node.ports import DueDelivery, Pacs, StoreOutcome

_LOG = log.get("route")


def deliver(
    due: Sequence[DueDelivery], pacs: Pacs, on_outcome: Callable[[StoreOutcome], None]
) -> None:
    """Every due object of one destination sent, each answer told at once.

    Raises
    ------
    PeerUnreachableError
        If it cannot be reached, or does not answer for every object; the answers told until
        then stand.
    """
    began = time.perf_counter()
    pacs.store([each.path for each in due], on_outcome)
    took_s = round(time.perf_counter() - began, 4)
    _LOG.info("objects_sent", destination=due[0].destination, objects=len(due), took_s=took_s)
