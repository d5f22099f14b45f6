"""Certificates are looked at before they end."""

from datetime import timedelta
from pathlib import Path

import pytest

from node.cli.certificates import certificates
from node.settings import Destination, PeerTls, ScpSettings, ScpTls, Settings
from tests.support.authority import Authority


@pytest.mark.parametrize(
    ("days", "good", "says"),
    [(45, True, "in 44 d"), (20, False, "in 19 d"), (-3, False, "ended on")],
)
def test_a_certificate_that_ends_within_thirty_days_is_a_finding(
    tmp_path: Path, days: int, good: bool, says: str
) -> None:
    """Early enough to have it renewed, and with the file's name."""
    authority = Authority(tmp_path)
    own = authority.identity("node", valid=timedelta(days=days))
    tls = ScpTls(cert=own.cert, key=own.key, ca=authority.ca)
    found = {f.what: f for f in certificates(Settings(scp=ScpSettings(tls=tls)))}
    assert found["scp.tls cert"].good is good
    assert says in found["scp.tls cert"].found
    assert str(own.cert) in found["scp.tls cert"].found
    assert found["scp.tls ca"].good


def test_a_key_of_another_certificate_is_a_finding(tmp_path: Path) -> None:
    """What can be read may still be of no use; nothing of either is quoted."""
    authority = Authority(tmp_path)
    tls = PeerTls(cert=authority.identity("a").cert, key=authority.identity("b").key)
    pacs = Destination(name="pacs", ae_title="PACS", port=104, tls=tls)
    good, wrong = certificates(Settings(destinations=(pacs,)))
    assert good.good
    assert (wrong.what, wrong.good) == ("destination pacs", False)
    assert "cannot be used" in wrong.found


def test_without_tls_there_is_nothing_to_say() -> None:
    """The defaults have no certificates."""
    assert not list(certificates(Settings()))
