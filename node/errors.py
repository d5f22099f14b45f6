"""Faults of the node: each says whether trying again can help and what a person can do."""

from typing import ClassVar


class NodeError(Exception):
    """Something the node could not do, through no fault of the data.

    Parameters
    ----------
    message
        What happened, without patient data.
    remedy
        What a person can do; the class's own remedy where omitted.

    Attributes
    ----------
    retry
        Whether the same step may succeed later.
    remedy
        What a person can do about it.
    """

    retry: ClassVar[bool] = False
    remedy: str = "Look at the log line of this fault and report it."

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy


class SettingsError(NodeError):
    """The settings cannot be used; the message names every key at fault."""

    remedy = "Correct the keys named above in the settings file or the environment."


class SpoolFullError(NodeError):
    """The spool has no room for another instance."""

    retry = True
    remedy = "Free disk space below data_dir, or lower spool.min_free_gib."


class SpoolError(NodeError):
    """The spool could not write or read a file."""

    retry = True
    remedy = "Check the disk and the permissions of data_dir."


class SeriesExpiringError(NodeError):
    """Files of the series are being deleted, as the retention settings ask."""

    retry = True
    remedy = "Send it again in a minute."


class InstanceUnreadableError(NodeError):
    """Bytes that should be a DICOM instance are not, or lack what identifies one."""

    remedy = "Send the instance again; if it stays unreadable, export it anew at the source."


class RegistryUnavailableError(NodeError):
    """The registry's database does not answer."""

    retry = True
    remedy = "Check database_url and the database server or the disk below data_dir."


class RegistryTooNewError(RegistryUnavailableError):
    """A newer version of the node wrote the registry: this one would not understand it."""

    retry = False
    remedy = (
        "Install the version of perfusion-node that wrote it, or a later one; or restore a "
        "backup that this version made with: perfusion-node restore FILE"
    )


class CopyToolError(NodeError):
    """PostgreSQL's own program that copies a database is missing or failed."""

    remedy = (
        "Install the postgresql-client of the server's version; or run pg_dump and pg_restore "
        "where it is, and keep the settings file beside the dump."
    )


class BackupDamagedError(NodeError):
    """A backup is not whole: nothing was restored from it."""

    remedy = "Take another backup; nothing on this machine was changed."


class UnknownSeriesError(NodeError):
    """No series of that UID is in the registry."""

    remedy = "List what is there with: perfusion-node studies"


class ResultGoneError(NodeError):
    """A result object is not here (any more), or cannot be read."""

    remedy = "Look in the PACS; or analyse the series again, which makes its results anew."


class WrongStateError(NodeError):
    """The series is not in a state that allows what was asked."""

    remedy = "See its state with: perfusion-node show ID"


class UnknownNameError(NodeError):
    """There is no user or token of that name."""

    remedy = "See who there is with: perfusion-node users list, perfusion-node tokens list"


class NameTakenError(NodeError):
    """There is a user or token of that name already."""

    remedy = "Choose another name, or remove the one that has it first."


class NotSignedInError(NodeError):
    """Nobody has said who asks, or what they said is not believed."""

    remedy = "Sign in on the page; a script sends an API token: Authorization: Bearer TOKEN"


class NotAllowedError(NodeError):
    """Whoever asks may not do this."""

    remedy = "Ask an administrator of the node for the role that is named."


class TooManyAttemptsError(NodeError):
    """Too many sign-ins failed: none is looked at for a while, right or wrong."""

    retry = True
    remedy = (
        "Wait a quarter of an hour; or set another password on the node's own machine: "
        "perfusion-node users password NAME"
    )


class BadPasswordError(NodeError):
    """A new password would be guessed."""

    remedy = "Choose a longer one: several words that do not belong together will do."


class ModelError(NodeError):
    """The model's file or manifest is missing, damaged or does not match."""

    remedy = "Restore models/weights from the release, or point model.path at a matching pair."


class InferenceError(NodeError):
    """The network could not be run, for example for want of memory."""

    retry = True
    remedy = "Check free memory and the device with: perfusion-node check"


class PeerUnreachableError(NodeError):
    """No association or connection with the peer could be made or kept, or it takes nothing now.

    Attributes
    ----------
    retry_after_s
        How long the peer asks to be left alone [s].
    """

    retry = True
    remedy = "Check host, port and AE titles with: perfusion-node echo NAME"

    def __init__(self, message: str, remedy: str | None = None, retry_after_s: float = 0.0) -> None:
        super().__init__(message, remedy)
        self.retry_after_s = retry_after_s


class UnknownDestinationError(NodeError):
    """No destination of that name is in the settings."""

    remedy = "Add it as [[destinations]] in the settings file."


class ResultMismatchError(NodeError):
    """A result read back from disk is not what was written."""

    retry = True
    remedy = "Check the disk below data_dir."


class QueueUnavailableError(NodeError):
    """Redis does not answer; work continues from the registry once it does."""

    retry = True
    remedy = "Check redis_url and the Redis server."
