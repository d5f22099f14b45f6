"""Who may stay: connections are bounded in number, in number by peer, and in slowness."""

from collections.abc import Sequence

from pynetdicom.association import Association

from node import log
from node.scp.admission import TOO_MANY, TOO_MANY_OF_ONE, Verdict
from node.scp.upper_layer import UpperLayer
from node.settings import ScpSettings

_LOG = log.get("scp")
# Connections that have asked for nothing yet: port scans, health checks, broken senders. They
# take no association's place; over this many the oldest are let go.
_MOST_SILENT = 32
# Where every place is taken, an association that has been quiet for so long gives up its own: a
# sender that keeps it open has to ask again, one with a patient's scan need not wait.
_SPARE_S = 10.0


class Places:
    """Decides over connections by what each has asked for and how it sends.

    Parameters
    ----------
    settings
        How many associations in all and of one peer, and the longest time for one PDU.
    """

    def __init__(self, settings: ScpSettings) -> None:
        self._settings = settings

    def let_go_of_the_silent(self, connections: Sequence[Association]) -> None:
        """Ends the connections that have been silent longest, where there are too many."""
        silent = [each.dul for each in connections if each.requestor.primitive is None]
        layers = [each for each in silent if isinstance(each, UpperLayer)]
        for each in sorted(layers, key=lambda each: each.quiet_s)[_MOST_SILENT:]:
            each.cut()

    def let_go_of_the_slow(self, connections: Sequence[Association]) -> None:
        """Ends the connections in which a PDU has begun and does not come to its end."""
        for each in connections:
            if isinstance(each.dul, UpperLayer) and each.dul.within_pdu_s > self._longest_pdu_s:
                _LOG.warning(
                    "slow_sender_cut_off",
                    address=each.requestor.address,
                    calling_ae_title=each.requestor.ae_title,
                    after_s=round(each.dul.within_pdu_s),
                )
                each.dul.cut()

    def verdict(self, newcomer: Association, connections: Sequence[Association]) -> Verdict | None:
        """Why there is no place for a newcomer, which is one of the connections; None: there is."""
        asked = [each for each in connections if each.requestor.primitive is not None]
        address = newcomer.requestor.address
        of_one = sum(each.requestor.address == address for each in asked)
        if of_one > self._settings.max_associations_per_peer:
            return TOO_MANY_OF_ONE
        if len(asked) > self._settings.max_associations and not _made_room(asked):
            return TOO_MANY
        return None

    @property
    def _longest_pdu_s(self) -> float:
        return self._settings.pdu_timeout_s


def _made_room(asked: Sequence[Association]) -> bool:
    """Whether the association that has been quiet longest could be ended."""
    layers = [each.dul for each in asked if each.is_established and not each.is_aborted]
    quiet = [each for each in layers if isinstance(each, UpperLayer) and each.quiet_s > _SPARE_S]
    if not quiet:
        return False
    longest = max(quiet, key=lambda each: each.quiet_s)
    requestor = longest.assoc.requestor
    _LOG.warning(
        "quiet_association_ended",
        address=requestor.address,
        calling_ae_title=requestor.ae_title,
        quiet_s=round(longest.quiet_s),
    )
    longest.assoc.abort(block=False)
    return True
