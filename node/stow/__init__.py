"""Out, over the web: results and other objects are sent to a DICOMweb server by STOW-RS."""

from node.stow.pacs import WebPacs

__all__ = ["WebPacs"]
