"""Who may come in, by title and address."""

import pytest

from node.errors import SettingsError
from node.scp.admission import Admission
from node.settings import Peer, ScpSettings, load


def admits(peer: Peer, title: str, address: str) -> bool:
    return (
        Admission(ScpSettings(allowed_peers=(peer,))).verdict("PERFUSION", title, address).accepted
    )


@pytest.mark.parametrize(
    ("host", "address", "accepted"),
    [
        ("", "203.0.113.9", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.4", False),
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", True),
        ("10.0.0.0/8", "fd00::1", False),
        ("fd00::/8", "fd12::7", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("localhost", "127.0.0.1", True),
    ],
)
def test_an_address_is_one_a_network_or_a_name(host: str, address: str, accepted: bool) -> None:
    """A network holds its addresses, however the machine spells them; no host is any address."""
    assert admits(Peer(ae_title="CT1", host=host), "CT1", address) is accepted


def test_any_title_is_a_star() -> None:
    """A whole network may send under any title; a title is compared letter by letter."""
    network = Peer(ae_title="*", host="10.0.0.0/8")
    assert admits(network, "ANYTHING", "10.0.0.1")
    assert not admits(network, "ANYTHING", "192.0.2.1")
    assert not admits(Peer(ae_title="CT1"), "ct1", "10.0.0.1")


def test_a_network_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """10.0.0.1/8 has host bits: one machine may be meant, or the whole network."""
    peers = '[{"ae_title": "CT1", "host": "10.0.0.1/8"}]'
    monkeypatch.setenv("PERFUSION_NODE_SCP__ALLOWED_PEERS", peers)
    with pytest.raises(
        SettingsError, match=r"scp\.allowed_peers\.0\.host: no network: .*host bits"
    ):
        load()
