"""What the audit trail is told of (PS3.15 A.5): events with who took part, never a patient."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Machine:
    """A DICOM node, or what claims to be one; unknown: empty."""

    ae_title: str
    address: str = ""


@dataclass(frozen=True)
class StudyInstances:
    """Instances of one study: how many of each SOP class."""

    study_instance_uid: str
    of_class: Mapping[str, int]


class Trail(Protocol):
    """Notes events; nothing that it is told waits for whoever keeps the trail."""

    def started(self, process: str) -> None:
        """A part of the node began its work."""

    def stopped(self, process: str) -> None:
        """A part of the node ended its work."""

    def entered(self, own: Machine) -> None:
        """The node listens on the network from now on."""

    def left(self, own: Machine) -> None:
        """The node no longer listens."""

    def signed(self, person: str, address: str, *, out: bool = False, failed: str = "") -> None:
        """A person signed in or out at the status page; ``failed``: why that was refused."""

    def refused(self, peer: Machine, found: str) -> None:
        """Somebody was not let in."""

    def begins(self, source: Machine, destination: Machine, sent: StudyInstances) -> None:
        """Instances are about to be sent."""

    def transferred(
        self, source: Machine, destination: Machine, sent: StudyInstances, failed: str = ""
    ) -> None:
        """Instances were received or sent; ``failed``: what became of others, in words."""
