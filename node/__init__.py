"""CT perfusion series in by C-STORE, perfusion maps out. Not for diagnostic use."""

from importlib.metadata import version

__version__ = version("perfusion-node")
