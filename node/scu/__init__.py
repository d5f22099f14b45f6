"""Out: results and other objects are sent to a destination over C-STORE."""

from node.scu.pacs import DicomPacs
from node.scu.statuses import is_permanent, is_stored, meaning

__all__ = ["DicomPacs", "is_permanent", "is_stored", "meaning"]
