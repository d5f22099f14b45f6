"""What the page asks of the rest of the node, as callables that the wiring supplies."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from node.perfusion import Estimator
from node.ports import DiskUse, ListenerVitals
from node.series import Eligibility
from node.settings import Shown
from node.status.rulebook import Rulebook


@dataclass(frozen=True)
class DestinationInfo:
    """An archive that receives results, as the settings name it: a PACS, or a DICOMweb ``url``.

    ``commitment``: whether it is asked for storage commitment.
    """

    name: str
    ae_title: str = ""
    host: str = ""
    port: int | None = None
    url: str = ""
    commitment: bool = False

    @property
    def question(self) -> str:
        """What an echo asks of it."""
        return "QIDO-RS search" if self.url else "C-ECHO"


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Probes:
    """How to ask each part of the node whether it is well.

    Parameters
    ----------
    redis, database
        None where well, else what is wrong, in words.
    disk
        Room below ``data_dir``.
    destinations
        The configured destinations, in order.
    echo
        Seconds that an echo to a destination of that name took; raises
        :class:`~node.errors.PeerUnreachableError` or
        :class:`~node.errors.UnknownDestinationError`.
    model
        What computes the maps; None where no usable model is there, so that nothing can be
        analysed. May raise :class:`~node.errors.ModelError` instead to say why.
    software_version
        Version of the node.
    listeners
        What each listener has done since its start.
    settings
        Every setting in effect, secrets hidden.
    rulebook
        The site's rules, or those of a draft, a piece of a settings file; raises
        :class:`~node.errors.SettingsError` where it cannot be used.
    log_lines
        The kept log lines that name one of these UIDs, from a day on (UTC), in the order of time.
    target_s
        Within how long after the last image the maps are wanted [s].
    quiet_s
        Pause after the last image after which a series counts as complete [s].
    now
        The clock, UTC.
    """

    redis: Callable[[], str | None]
    database: Callable[[], str | None]
    disk: Callable[[], DiskUse]
    destinations: Callable[[], Sequence[DestinationInfo]]
    echo: Callable[[str], float]
    model: Callable[[], Estimator | None]
    software_version: str
    settings: Callable[[], Sequence[Shown]] = tuple
    rulebook: Callable[[str | None], Rulebook] = lambda _: Rulebook(Eligibility(), "", {})
    listeners: Callable[[], Sequence[ListenerVitals]] = tuple
    log_lines: Callable[[Sequence[str], date], Iterable[Mapping[str, Any]]] = lambda _, __: ()
    quiet_s: float = 20.0
    target_s: float = 60.0
    now: Callable[[], datetime] = utc_now
