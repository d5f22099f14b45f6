"""Every setting of the node: one TOML file, each key also as an environment variable."""

from node.settings.analysis import AnalysisSettings, ModelSettings, ResultsSettings, SelectionRule
from node.settings.certificates import PeerTls, ScpTls, TlsFiles
from node.settings.changes import Changes, changes, picture
from node.settings.destinations import (
    ALL_RESULTS,
    DEFAULT_RESULTS,
    CommitmentSettings,
    Destination,
    ResultKind,
    WebDestination,
)
from node.settings.draft import drafted, rules_as_toml
from node.settings.example import example, toml
from node.settings.loading import load
from node.settings.people import OidcSettings, ProxySettings, ServerTls, StatusSettings
from node.settings.receiving import Peer, ScpSettings
from node.settings.running import JobsSettings, LogSettings, RetentionSettings, SpoolSettings
from node.settings.secret import Secret
from node.settings.section import ENVIRONMENT_PREFIX, WEIGHTS
from node.settings.shown import Shown, hide_password, shown
from node.settings.watching import AlertSettings, AuditSettings, CanarySettings, MailSettings
from node.settings.whole import Settings

__all__ = [
    "ALL_RESULTS",
    "DEFAULT_RESULTS",
    "ENVIRONMENT_PREFIX",
    "WEIGHTS",
    "AlertSettings",
    "AnalysisSettings",
    "AuditSettings",
    "CanarySettings",
    "Changes",
    "CommitmentSettings",
    "Destination",
    "JobsSettings",
    "LogSettings",
    "MailSettings",
    "ModelSettings",
    "OidcSettings",
    "Peer",
    "PeerTls",
    "ProxySettings",
    "ResultKind",
    "ResultsSettings",
    "RetentionSettings",
    "ScpSettings",
    "ScpTls",
    "Secret",
    "SelectionRule",
    "ServerTls",
    "Settings",
    "Shown",
    "SpoolSettings",
    "StatusSettings",
    "TlsFiles",
    "WebDestination",
    "changes",
    "drafted",
    "example",
    "hide_password",
    "load",
    "picture",
    "rules_as_toml",
    "shown",
    "toml",
]
