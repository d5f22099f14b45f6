"""The prompt: every command of ``perfusion-node``."""

from node.cli.app import main

__all__ = ["main"]
