"""What became of every series: the truth that a restart finds again. The only SQL is here."""

from node.registry.accounts import AccountStore
from node.registry.archive import ArchiveStore
from node.registry.database import Database
from node.registry.deliveries import DeliveryStore
from node.registry.intake import IntakeStore


class Registry(IntakeStore, AccountStore, ArchiveStore, DeliveryStore):
    """:class:`node.ports.Intake`, ``Accounts``, ``Archive`` and ``Ledger`` over one database.

    Any number of threads and processes may use the same database at once. Every method
    raises RegistryUnavailableError where the database does not answer.
    """


def open_registry(url: str) -> Registry:
    """The registry at a URL, its schema brought to this version.

    Parameters
    ----------
    url
        ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.

    Raises
    ------
    RegistryUnavailableError
        If the database cannot be reached or migrated.
    """
    return Registry(Database(url))


__all__ = ["Registry", "open_registry"]
