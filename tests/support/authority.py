"""A certificate authority of a hospital, made for one test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as files (PEM)."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates into a folder; ``ca`` is its own."""

    def __init__(self, folder: Path, name: str = "hospital") -> None:
        self._folder, self._name = folder, name
        self._authority = trustme.CA()
        self.ca = folder / f"{name}-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))

    def identity(
        self, name: str, *, host: str = "127.0.0.1", valid: timedelta = timedelta(days=60)
    ) -> Identity:
        """A certificate for a host; a negative ``valid``: one that ended so long ago."""
        now = datetime.now(UTC)
        signed = self._authority.issue_cert(
            host, not_before=now - timedelta(days=400), not_after=now + valid
        )
        found = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        signed.private_key_pem.write_to_path(str(found.key))
        for number, blob in enumerate(signed.cert_chain_pems):
            blob.write_to_path(str(found.cert), append=number > 0)
        return found
