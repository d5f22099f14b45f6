"""Alerts on their way to people: one digest, by webhook and by mail."""

from node.alerts.channels import Channel, ChannelError, channels
from node.alerts.digest import Digest, digest_of

__all__ = ["Channel", "ChannelError", "Digest", "channels", "digest_of"]
