"""The composition root: settings in, live objects out, each made when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from node import __version__, log
from node.errors import RegistryUnavailableError, UnknownDestinationError
from node.settings import Destination, Peer, Settings, WebDestination, shown

if TYPE_CHECKING:  # each room is imported by the method that makes its object
    import redis

    from node.audit import SyslogTrail
    from node.derived import EarlierResult
    from node.ports import CommitmentScp, Model, Pacs, Ruling
    from node.registry import Registry
    from node.route import AnalyseOptions
    from node.scp import Listener, Recovery
    from node.series import Header, Rule
    from node.spool import FileSpool
    from node.status import Doorkeeper, Probes

_REDIS_TIMEOUT_S = 2.0
_GIB = 2**30


class Node:
    """Everything one process of the node may need, wired from its settings.

    Nothing is opened, nor its room imported, before it is asked for: a prompt that only lists
    series loads no model, no web server and no codec. Use it in a ``with`` statement, or close it.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.others: dict[Path, Model] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened."""
        if trail := self.__dict__.pop("trail", None):
            trail.close()
        if registry := self.__dict__.pop("registry", None):
            registry.close()

    @cached_property
    def spool(self) -> FileSpool:
        """The files."""
        from node.spool import FileSpool

        return FileSpool(
            self.settings.data_dir.resolve() / "spool",
            min_free_bytes=int(self.settings.spool.min_free_gib * _GIB),
            low_free_bytes=int(self.settings.spool.low_free_gib * _GIB),
        )

    @cached_property
    def registry(self) -> Registry:
        """What became of every series; the schema is migrated at this moment."""
        from node.registry import open_registry

        return open_registry(self.settings.database, self.settings.data_dir.resolve())

    @cached_property
    def trail(self) -> SyslogTrail | None:
        """The audit trail, where the settings name a server for it."""
        from node.audit import SyslogTrail

        return SyslogTrail(self.settings.audit) if self.settings.audit.host else None

    @cached_property
    def model(self) -> Model:
        """The network, verified and warm."""
        from node.inference import load_model

        wanted = self.settings.model
        return load_model(wanted.file, device=wanted.device, threads=wanted.threads)

    def model_at(self, path: Path | None) -> Model:
        """The network that a rule names, loaded once; the usual one where it names none.

        Raises
        ------
        InferenceError
            If it cannot be loaded.
        """
        from node.inference import load_model

        if path is None or path == self.settings.model.file:
            return self.model
        if path not in self.others:
            wanted = self.settings.model
            self.others[path] = load_model(path, device=wanted.device, threads=wanted.threads)
        return self.others[path]

    def pacs(self, name: str) -> Pacs:
        """A destination.

        Raises
        ------
        UnknownDestinationError
            If the settings have none of that name.
        """
        from node.audit import audited
        from node.scu import DicomPacs
        from node.stow import WebPacs

        destination = self.settings.destination(name)
        if destination is None:
            known = ", ".join(d.name for d in self.settings.destinations) or "none at all"
            raise UnknownDestinationError(
                f"the settings have no destination {name}; they have {known}"
            )
        own = self.settings.scp.ae_title
        if isinstance(destination, WebDestination):
            return audited(WebPacs(destination), self.trail, own, destination)
        return audited(DicomPacs(destination, own), self.trail, own, destination)

    def commitment_scp(self, name: str) -> CommitmentScp:
        """A destination that is asked for storage commitment.

        Raises
        ------
        UnknownDestinationError
            If the settings have none of that name that is.
        """
        from node.scu import DicomPacs

        for destination in self._committing():
            if destination.name == name:
                return DicomPacs(destination, self.settings.scp.ae_title)
        raise UnknownDestinationError(f"{name} is not to be asked for storage commitment")

    def listener(self, on_received: Callable[[str], None] | None = None) -> Listener:
        """The DICOM listener, not yet started."""
        from node.scp import Listener

        asked = self._committing()
        return Listener(
            self.settings.scp,
            self.spool,
            self.registry,
            on_received=on_received,
            replies=self.registry if asked else None,
            repliers=[Peer(ae_title=d.ae_title, host=d.host) for d in asked],
            trail=self.trail,
        )

    def recovery(self) -> Recovery:
        """The look at spool and registry after a start, not yet started."""
        from node.scp import Recovery
        from node.spool import FileInventory

        return Recovery(FileInventory(self.spool.root), self.registry)

    def status_app(self) -> Any:
        """The status page and its API, for ``node.status.serve``; its type is that room's own."""
        from node.status import create_app

        names, doorkeeper = self.settings.status.names, self.doorkeeper()
        return create_app(self.registry, self.probes(), hosts=names, doorkeeper=doorkeeper)

    def doorkeeper(self) -> Doorkeeper:
        """Who may use the page; a SettingsError where others reach it and nobody could sign in."""
        from node.audit import with_sign_ins
        from node.status import Doorkeeper

        doorkeeper = Doorkeeper(
            self.registry, with_sign_ins(self.registry, self.trail), self.settings.status
        )
        doorkeeper.require_a_way_in()
        return doorkeeper

    def redis_client(self) -> redis.Redis:
        """A client of the settings' Redis, which need not be there yet."""
        import redis

        return redis.Redis.from_url(
            # Celery and redis-py spell the URL of a Unix socket differently
            self.settings.redis_url.replace("redis+socket://", "unix://", 1),
            socket_timeout=_REDIS_TIMEOUT_S,
            socket_connect_timeout=_REDIS_TIMEOUT_S,
        )

    def options(
        self,
        revision: int,
        created: datetime,
        supersedes: Sequence[EarlierResult] = (),
        peer: str = "",
    ) -> AnalyseOptions:
        """What an analysis depends on besides images and model.

        Parameters
        ----------
        revision
            Of the series.
        created
            The same for every rerun of a revision, so that its objects are the same.
        supersedes
            The results of earlier revisions.
        peer
            The AE title that sent the series.
        """
        from node.wiring.analysis import analyse_options

        return analyse_options(self.settings, revision, created, supersedes, peer)

    def rule(self, headers: Iterable[Header], peer: str) -> Rule | None:
        """What the site's rules say of a series that this peer sent."""
        from node.series import deciding_rule
        from node.wiring.eligibility import rules_of

        return deciding_rule(headers, rules_of(self.settings.analysis), peer)

    def wanted_results(self) -> dict[str, tuple[str, ...]]:
        """Each destination's name and the kinds of results it wants."""
        return self.settings.wanted_results()

    def ruling(self, rule: Rule) -> Ruling:
        """What a rule says of a series, as its history and its deliveries keep it."""
        from node.ports import Ruling

        only = rule.share(self.wanted_results()) if rule.shares else None
        return Ruling(f"{rule}: {rule.effects or rule.action}", only)

    def verifying(self) -> frozenset[str]:
        """The destinations that are asked for what they were sent."""
        return frozenset(d.name for d in self.settings.destinations if d.verify == "find")

    def committing(self) -> frozenset[str]:
        """The destinations that are asked for storage commitment."""
        return frozenset(each.name for each in self._committing())

    def _committing(self) -> list[Destination]:
        dicom = (d for d in self.settings.destinations if isinstance(d, Destination))
        return [each for each in dicom if each.commitment]

    def probes(self) -> Probes:
        """How the status page and the check ask each part whether it is well."""
        from node.inference import KnownModel
        from node.scp import read_vitals
        from node.status import DestinationInfo, Probes
        from node.wiring.rulebook import rulebook

        return Probes(
            redis=self._redis_fault,
            database=self._database_fault,
            disk=lambda: self.spool.disk(),  # noqa: PLW0108 - the spool is opened when asked
            listeners=lambda: read_vitals(self.settings.data_dir.resolve()),
            destinations=lambda: [
                DestinationInfo(d.name, url=d.url)
                if isinstance(d, WebDestination)
                else DestinationInfo(d.name, d.ae_title, d.host, d.port, commitment=d.commitment)
                for d in self.settings.destinations
            ],
            echo=lambda name: self.pacs(name).echo(),
            model=KnownModel(self.settings.model.file).estimator,
            software_version=__version__,
            quiet_s=self.settings.scp.quiet_s,
            settings=lambda: shown(self.settings),
            rulebook=lambda draft: rulebook(self.settings, draft),
            target_s=self.settings.status.target_s,
            log_lines=lambda uids, since: log.kept_lines(self.settings.log_folder, uids, since),
        )

    def _redis_fault(self) -> str | None:
        import redis

        if not self.settings.redis_url:
            return "redis_url is not set"
        try:
            with self.redis_client() as client:
                client.ping()
        except redis.RedisError as fault:
            return f"Redis does not answer: {type(fault).__name__}"
        return None

    def _database_fault(self) -> str | None:
        try:
            self.registry.counts()
        except RegistryUnavailableError as fault:
            return str(fault)
        return None
