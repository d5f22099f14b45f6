"""What a peer says it has: a C-FIND of the Study Root model at IMAGE level (PS3.4 C.6.2)."""

from collections.abc import Collection, Iterator

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom.association import Association

from node.errors import PeerUnreachableError

STUDY_ROOT_FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
_SUCCESS, _PENDING = 0x0000, frozenset({0xFF00, 0xFF01})
# Of a C-FIND response: the peer has no such service after all (PS3.7 C.5).
_UNSUPPORTED = frozenset({0x0122, 0x0211, 0x0124})

_LET_IT_ASK = "Let the destination know this node as one that may query, and look at its log."


class NotAskedError(Exception):
    """The peer does not answer such questions."""


def instances_of(
    assoc: Association, study_instance_uid: str, series_instance_uid: str, wanted: Collection[str]
) -> set[str]:
    """Which of the wanted SOP Instance UIDs the peer finds in a series.

    Raises
    ------
    NotAskedError
        If the peer refuses the service.
    PeerUnreachableError
        If it does not answer to the end, or with a failure.
    """
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    query.StudyInstanceUID = study_instance_uid
    query.SeriesInstanceUID = series_instance_uid
    query.SOPInstanceUID = ""
    return {uid for uid in _answers(assoc, query) if uid in wanted}


def _answers(assoc: Association, query: Dataset) -> Iterator[str]:
    """The SOP Instance UIDs, as they come."""
    try:
        for status, identifier in assoc.send_c_find(query, STUDY_ROOT_FIND):
            if _goes_on(status) and identifier is not None:
                yield str(identifier.get("SOPInstanceUID", ""))
    except (AttributeError, RuntimeError) as problem:  # pynetdicom's words for: it has ended
        found = "the association ended during a C-FIND"
        raise PeerUnreachableError(found, _LET_IT_ASK) from problem


def _goes_on(answer: Dataset) -> bool:
    """Whether an answer brings a match, rather than the end of them."""
    status = int(answer.Status) if "Status" in answer else None
    if status in _UNSUPPORTED:
        raise NotAskedError
    if status is None or status not in {_SUCCESS, *_PENDING}:
        found = "did not answer" if status is None else f"answered {status:04X} to"
        raise PeerUnreachableError(f"the peer {found} a C-FIND", _LET_IT_ASK)
    return status in _PENDING
