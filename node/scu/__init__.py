"""Out: results and other objects are sent to a destination over C-STORE."""

from node.scu.pacs import NOT_DICOM, DicomPacs
from node.scu.statuses import is_permanent, is_stored, meaning

__all__ = ["NOT_DICOM", "DicomPacs", "is_permanent", "is_stored", "meaning"]
