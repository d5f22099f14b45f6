"""Which presentation contexts a set of files needs (PS3.8 section 9.3.2.2)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom.dsutils import split_dataset

MAX_CONTEXTS = 128
# pynetdicom encodes a data set of one of these in any other of them.
CONVERTIBLE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
_FALLBACKS = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)

# A SOP class and one transfer syntax: each pair is a context of its own, so that a peer that
# lacks one syntax can still accept the other.
Pair = tuple[UID, UID]


@dataclass(frozen=True)
class Parcel:
    """A file to be sent, by its file meta.

    ``data_set_at`` is the byte where its data set begins.
    """

    path: Path
    sop_class_uid: UID
    sop_instance_uid: UID
    transfer_syntax_uid: UID
    data_set_at: int

    @property
    def proposed(self) -> tuple[Pair, ...]:
        """The contexts that this file can be sent in, the best first."""
        syntaxes = [self.transfer_syntax_uid]
        if self.transfer_syntax_uid in CONVERTIBLE:
            syntaxes += [s for s in _FALLBACKS if s != self.transfer_syntax_uid]
        return tuple((self.sop_class_uid, syntax) for syntax in syntaxes)


def read_parcel(path: Path) -> Parcel | None:
    """The parcel of a Part 10 file; None if it is none, or does not say what it holds."""
    try:
        meta, data_set_at = split_dataset(path)
        return Parcel(
            path,
            UID(meta.MediaStorageSOPClassUID),
            UID(meta.MediaStorageSOPInstanceUID),
            UID(meta.TransferSyntaxUID),
            data_set_at,
        )
    except (AttributeError, EOFError, InvalidDicomError, OSError, ValueError):
        return None


def batches(parcels: Iterable[Parcel]) -> Iterator[tuple[Sequence[Parcel], Sequence[Pair]]]:
    """Parcels in their order, cut where one association would need more than 128 contexts."""
    batch: list[Parcel] = []
    pairs: dict[Pair, None] = {}
    for parcel in parcels:
        wanted = pairs | dict.fromkeys(parcel.proposed)
        if len(wanted) > MAX_CONTEXTS:
            yield batch, tuple(pairs)
            batch, wanted = [], dict.fromkeys(parcel.proposed)
        batch.append(parcel)
        pairs = wanted
    if batch:
        yield batch, tuple(pairs)
