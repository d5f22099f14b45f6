"""Lossy compression: which images it has changed, and how the results declare it."""

from pydicom import Dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)

# LossyImageCompressionMethod of each transfer syntax that may lose (PS3.3 C.7.6.1.1.5.1).
_METHODS: dict[str, str] = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
}
_ALWAYS = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit})


def is_lossy(transfer_syntax_uid: str, declared: str) -> bool:
    """Whether an image has lost something to compression, now or before it was decompressed.

    Parameters
    ----------
    transfer_syntax_uid
        As received. JPEG-LS near-lossless, JPEG 2000 and HTJ2K may be lossless all the same:
        they count as lossy unless the image says that it is not.
    declared
        LossyImageCompression, empty where absent.
    """
    if declared == "01" or transfer_syntax_uid in _ALWAYS:
        return True
    return transfer_syntax_uid in _METHODS and declared != "00"


def declare_loss(source: Dataset, ratio: float | None) -> None:
    """Lets a lossy source say itself what only its transfer syntax says.

    Parameters
    ----------
    source
        An instance for which :func:`is_lossy` holds.
    ratio
        Uncompressed size by compressed size of its pixels; None where they are uncompressed.
    """
    source.LossyImageCompression = "01"
    if method := _METHODS.get(source.file_meta.TransferSyntaxUID):
        if not source.get("LossyImageCompressionMethod"):
            source.LossyImageCompressionMethod = method
        if not source.get("LossyImageCompressionRatio") and ratio is not None:
            source.LossyImageCompressionRatio = f"{ratio:.2f}"
