"""What became of every series: the truth that a restart finds again. The only SQL is here."""

from pathlib import Path

from node.registry.accounts import AccountStore
from node.registry.alerts import AlertStore
from node.registry.archive import ArchiveStore
from node.registry.audit import PeopleStore
from node.registry.canaries import CanaryStore
from node.registry.commitments import CommitmentStore
from node.registry.copies import Contents, RegistryCopies
from node.registry.database import Database, require_known
from node.registry.intake import IntakeStore
from node.registry.retention import RetentionStore
from node.registry.verification import VerificationStore
from node.registry.workers import WorkerStore


class Registry(
    IntakeStore,
    AccountStore,
    ArchiveStore,
    CommitmentStore,
    VerificationStore,
    WorkerStore,
    RetentionStore,
    CanaryStore,
    AlertStore,
    PeopleStore,
):
    """``Intake``, ``Accounts``, ``Archive``, ``Ledger`` and the rest of :mod:`node.ports`.

    All over one database, which any number of threads and processes may use at once. Every method
    raises RegistryUnavailableError where the database does not answer.
    """


def open_registry(url: str, data_dir: Path) -> Registry:
    """The registry at a URL, its schema brought to this version.

    Parameters
    ----------
    url
        ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
    data_dir
        The folder that the paths in the registry are below.

    Raises
    ------
    RegistryUnavailableError
        If the database cannot be reached or migrated.
    RegistryTooNewError
        If a newer version of the node wrote it.
    """
    return Registry(Database(url, data_dir))


__all__ = ["Contents", "Registry", "RegistryCopies", "open_registry", "require_known"]
