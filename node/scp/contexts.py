"""Which presentation contexts are accepted, and in which transfer syntax."""

from collections.abc import Iterable

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom.presentation import PresentationContext, build_context

from node.commitment import SOP_CLASS

VERIFICATION = UID("1.2.840.10008.1.1")
_UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)

# In order of preference: the acceptor chooses the first of these that the sender offers
# (PS3.8 section 9.3.3.2 leaves the choice to it). Lossy ones last: better than a lost image,
# and the analysis says so.
TRANSFER_SYNTAXES: tuple[UID, ...] = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    JPEGLosslessSV1,
    JPEGLossless,
    JPEGLSLossless,
    JPEG2000Lossless,
    RLELossless,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEGLSNearLossless,
    JPEG2000,
    HTJ2K,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
)


def is_storage(sop_class_uid: str) -> bool:
    """Whether a class is one of objects to be stored.

    A class that the dictionary does not know is private or newer than it: study pushes bring
    such along, and a rejected context makes many senders stop. The known ones carry
    "Storage" in their names.
    """
    name = UID(sop_class_uid).name
    if name == sop_class_uid:
        return True
    return " Storage" in name and "Commitment" not in name and "Directory" not in name


def brings_objects(proposed: Iterable[PresentationContext]) -> bool:
    """Whether an association is opened to store, not only to ask or to answer something."""
    return any(is_storage(str(context.abstract_syntax)) for context in proposed)


def accepted(
    proposed: Iterable[PresentationContext], *, storage: bool = True, replies: bool = False
) -> list[PresentationContext]:
    """What this association supports: Verification, and what else it is admitted for.

    Parameters
    ----------
    proposed
        The contexts of the request.
    storage
        Whether it may store: then every storage class that it proposes.
    replies
        Whether replies to requests for storage commitment are taken.
    """
    classes = {str(context.abstract_syntax) for context in proposed if storage}
    stored = sorted(uid for uid in classes if is_storage(uid))
    return [
        build_context(VERIFICATION, list(_UNCOMPRESSED)),
        *(build_context(uid, list(TRANSFER_SYNTAXES)) for uid in stored),
        *([_replies()] if replies else []),
    ]


def _replies() -> PresentationContext:
    """Storage commitment with the roles reversed: who opens the association is its SCP.

    A sender that negotiates no roles (PS3.7 D.3.3.4) is served all the same.
    """
    context = build_context(SOP_CLASS, list(_UNCOMPRESSED))
    context.scu_role = context.scp_role = True
    return context
