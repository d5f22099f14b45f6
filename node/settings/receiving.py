"""Sections of the settings: the listener, and who may send to it."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import Field, field_validator

from node.settings.certificates import ScpTls
from node.settings.section import AeTitle, Port, Section


class Peer(Section):
    """A sender that may open associations; ``host`` empty means any address."""

    ae_title: AeTitle
    """Calling AE title; * is any."""
    host: str = ""
    """An address, a network (10.0.0.0/8) or a host name; empty: any address."""

    @field_validator("host")
    @classmethod
    def _is_a_network(cls, value: str) -> str:
        if "/" in value:
            try:
                ip_network(value)
            except ValueError as wrong:
                raise ValueError(f"no network: {wrong}") from None
        return value


class ScpSettings(Section):
    """The listener: who may send, how much at once, and when a series counts as complete."""

    ae_title: AeTitle = "PERFUSION"
    """What the node is called, receiving and sending."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Port = 11112
    """Port to listen on."""
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that share the port, each on a core of its own; caps on associations: in each."""
    check_called_ae_title: bool = True
    """Whether senders must name the right title."""
    allowed_peers: tuple[Peer, ...] = ()
    """Who may send; empty: anyone."""
    tls: ScpTls | None = None
    """TLS instead of plain connections; without this block everything comes in the clear."""
    max_associations: Annotated[int, Field(ge=1)] = 50
    """Associations at once; where all are taken, one quiet for 10 s gives way."""
    max_associations_per_peer: Annotated[int, Field(ge=1)] = 25
    """Associations at once from one address."""
    idle_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    """Silence after which an association ends [s]."""
    pdu_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    """How long one PDU, or a MiB of it, may take to come in: slower senders are cut off [s]."""
    grace_s: Annotated[float, Field(ge=0)] = 2.0
    """From the last image of a whole series to its analysis [s]."""
    quiet_s: Annotated[float, Field(gt=0)] = 20.0
    """Silence after which an unfinished series is analysed as it is [s]."""
    max_instance_mib: Annotated[float, Field(gt=0)] = 1024.0
    """Largest data set, inflated where it comes deflated [MiB]."""
    max_receiving_mib: Annotated[float, Field(gt=0)] = 2048.0
    """Memory for the data sets that are coming in, of all senders; what has no room: A700 [MiB]."""
    max_series_images: Annotated[int, Field(ge=1)] = 20_000
    """Most images of one series; what is more is answered A700, and the series is refused."""
    max_series_gib: Annotated[float, Field(gt=0)] = 20.0
    """Most bytes of one series, the same way [GiB]."""
