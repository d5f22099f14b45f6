"""Sections of the settings: the listener, and who may send to it."""

from typing import Annotated

from pydantic import Field

from node.settings.section import AeTitle, Port, Section


class Peer(Section):
    """A sender that may open associations; ``host`` empty means any address."""

    ae_title: AeTitle
    host: str = ""


class ScpSettings(Section):
    """The listener: who may send, how much at once, and when a series counts as complete."""

    ae_title: AeTitle = "PERFUSION"
    host: str = "127.0.0.1"
    port: Port = 11112
    check_called_ae_title: bool = True
    allowed_peers: tuple[Peer, ...] = ()
    max_associations: Annotated[int, Field(ge=1)] = 50
    max_associations_per_peer: Annotated[int, Field(ge=1)] = 25
    idle_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    pdu_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    grace_s: Annotated[float, Field(ge=0)] = 2.0
    quiet_s: Annotated[float, Field(gt=0)] = 20.0
    max_instance_mib: Annotated[float, Field(gt=0)] = 1024.0
    max_receiving_mib: Annotated[float, Field(gt=0)] = 2048.0
    max_series_images: Annotated[int, Field(ge=1)] = 20_000
    max_series_gib: Annotated[float, Field(gt=0)] = 20.0
