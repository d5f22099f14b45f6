"""What the listener tells the audit trail, if one is kept."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from pynetdicom.association import ServiceUser

from node.ports import Machine, StudyInstances, Trail
from node.series import Header


class Tally:
    """What one association has stored: instances by study and SOP class."""

    def __init__(self) -> None:
        self._studies: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, header: Header) -> None:
        """Count an instance that is answered with success."""
        self._studies[header.study_instance_uid][header.sop_class_uid] += 1

    def studies(self) -> Iterator[StudyInstances]:
        """What was stored of each study."""
        for study, classes in self._studies.items():
            yield StudyInstances(study, dict(classes))


class Witness:
    """Tells the trail what happens at the listener.

    Parameters
    ----------
    trail
        None: nobody is told.
    own
        The listener.
    """

    def __init__(self, trail: Trail | None, own: Machine) -> None:
        self._trail, self._own = trail, own

    def entered(self) -> None:
        """The listener listens."""
        if self._trail is not None:
            self._trail.entered(self._own)

    def left(self) -> None:
        """It no longer does."""
        if self._trail is not None:
            self._trail.left(self._own)

    def refused(self, peer: Machine, found: str) -> None:
        """Somebody was not let in."""
        if self._trail is not None:
            self._trail.refused(peer, found)

    def ended(self, requestor: ServiceUser, tally: Tally) -> None:
        """An association ended: what it brought."""
        if self._trail is not None:
            peer = Machine(requestor.ae_title, requestor.address or "")
            for study in tally.studies():
                self._trail.transferred(peer, self._own, study)
