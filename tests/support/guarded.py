"""A status page with people: users in a real registry, a clock that a test moves on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from fastapi import FastAPI

from node.passwords import hashed
from node.people import Role, new_secret
from node.people import digest as digest_of
from node.ports import AuditEntry, AuditQuestion, TokenRecord
from node.registry import Registry, open_registry
from node.settings import StatusSettings
from node.status import Doorkeeper, create_app
from tests.support import night
from tests.support.fake_archive import NOW, FakeArchive

PASSWORD = "four words of nonsense"
HASH = hashed(PASSWORD)
"""Hashing takes its time: the same one serves every user."""


@dataclass
class Guarded:
    """A page, its people, and its clock."""

    registry: Registry
    archive: FakeArchive
    settings: StatusSettings = field(default_factory=StatusSettings)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.doorkeeper = Doorkeeper(
            self.registry, self.registry, self.settings, now=lambda: self.now
        )

    def app(self, **facts: Any) -> FastAPI:
        probes = replace(night.probes(), now=lambda: self.now)
        return create_app(self.archive, probes, doorkeeper=self.doorkeeper, **facts)

    def add(self, *names: str, role: Role = Role.OPERATOR) -> None:
        for name in names:
            self.registry.add_user(name, role, HASH, self.now)

    def token(self, role: Role = Role.VIEWER, days: float = 90, name: str = "script") -> str:
        """The secret of a new API token."""
        secret = new_secret("pn_")
        ends = self.now + timedelta(days=days)
        kept = TokenRecord(name, role, "ana", self.now, ends, None, None)
        self.registry.add_token(digest_of(secret), kept)
        return secret

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def trail(self, limit: int = 100, **words: Any) -> list[AuditEntry]:
        """The newest entries, the oldest of them first."""
        return list(reversed(self.registry.audited(AuditQuestion(limit=limit, **words))))

    def last(self) -> AuditEntry:
        return self.trail(1)[0]


@cache
def _empty_registry() -> bytes:
    """A registry without a row: to make one takes longer than to copy it."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.sqlite"
        open_registry(f"sqlite:///{file}", Path(folder)).close()
        return file.read_bytes()


@contextmanager
def guarded(folder: Path, archive: FakeArchive | None = None, **settings: Any) -> Iterator[Guarded]:
    """A page over a registry below a folder; ``settings`` are of [status]."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "people.sqlite"
    if not file.exists():
        file.write_bytes(_empty_registry())
    registry = open_registry(f"sqlite:///{file}", folder)
    try:
        yield Guarded(registry, archive or night.archive(), StatusSettings(**settings))
    finally:
        registry.close()


def sign_in(client: httpx.Client, name: str = "ana", password: str = PASSWORD) -> httpx.Response:
    """What a browser's form sends; the client keeps the cookie."""
    return client.post("/sign-in", data={"name": name, "password": password, "next": "/"})


def csrf(client: httpx.Client) -> dict[str, str]:
    """The header that the page's own script sends with whatever it asks."""
    page = client.get("/destinations").text
    return {"X-CSRF-Token": page.partition('data-csrf="')[2].partition('"')[0]}
