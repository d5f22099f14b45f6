"""The audit trail: what was received and sent, who was refused (PS3.15 A.5), to syslog."""

from node.audit.pacs import audited
from node.audit.people import with_sign_ins
from node.audit.trail import SyslogTrail, running

__all__ = ["SyslogTrail", "audited", "running", "with_sign_ins"]
