"""The composition root: settings in, live objects out. It alone knows every room."""

from node.wiring.node import Node

__all__ = ["Node"]
