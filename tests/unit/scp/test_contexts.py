import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AllStoragePresentationContexts
from pynetdicom.presentation import build_context

from node.scp.contexts import TRANSFER_SYNTAXES, VERIFICATION, accepted, is_storage


def test_every_storage_class_is_storage() -> None:
    """Whatever pynetdicom knows as storage is taken in."""
    assert all(is_storage(str(c.abstract_syntax)) for c in AllStoragePresentationContexts)


@pytest.mark.parametrize(
    "uid",
    [
        VERIFICATION,
        "1.2.840.10008.1.20.1",
        "1.2.840.10008.1.3.10",
        "1.2.840.10008.5.1.4.1.2.1.1",
        "1.2.840.10008.5.1.4.31",
    ],
    ids=["Verification", "Storage Commitment", "Media Storage Directory", "Find", "Worklist"],
)
def test_other_services_are_no_storage(uid: str) -> None:
    """A name with Storage in it is not enough."""
    assert not is_storage(uid)


def test_uncompressed_comes_first_and_lossy_last() -> None:
    """The order is the preference: Explicit VR LE, Implicit VR LE ... lossy at the end."""
    assert TRANSFER_SYNTAXES[:2] == (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
    assert len(set(TRANSFER_SYNTAXES)) == len(TRANSFER_SYNTAXES)
    lossy = [uid.name for uid in TRANSFER_SYNTAXES[-5:]]
    assert not any("Lossless" in name and "Near" not in name and "Only" in name for name in lossy)


def test_each_class_is_supported_once() -> None:
    """A class that is proposed in ten contexts is one supported context."""
    proposed = [build_context(CTImageStorage, [s]) for s in TRANSFER_SYNTAXES]
    classes = [c.abstract_syntax for c in accepted(proposed)]
    assert classes == [VERIFICATION, CTImageStorage]
