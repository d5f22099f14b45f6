"""Every setting of the node: one TOML file, each key also as an environment variable."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from node.settings.analysis import AnalysisSettings, ModelSettings, ResultsSettings, SelectionRule
from node.settings.destinations import (
    AnyDestination,
    CommitmentSettings,
    Destination,
    WebDestination,
)
from node.settings.people import StatusSettings
from node.settings.receiving import ScpSettings
from node.settings.running import JobsSettings, LogSettings, RetentionSettings, SpoolSettings
from node.settings.section import ENVIRONMENT_PREFIX
from node.settings.watching import AlertSettings, AuditSettings, CanarySettings


class Settings(BaseSettings):
    """The whole node's settings, checked together.

    Sources, first wins: environment variables (``PERFUSION_NODE_SCP__PORT=104``), then the
    TOML file, then the defaults.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    data_dir: Path = Path("perfusion-data")
    """Spool, registry and embedded Redis."""
    redis_url: str = ""
    """The Redis server; empty: up embeds one."""
    database_url: str = ""
    """The registry: PostgreSQL for several hosts; empty: SQLite below data_dir."""
    scp: ScpSettings = ScpSettings()
    destinations: tuple[AnyDestination, ...] = ()
    """Where results go; a block with a url is a DICOMweb server, any other a DICOM peer."""
    commitment: CommitmentSettings = CommitmentSettings()
    model: ModelSettings = ModelSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    results: ResultsSettings = ResultsSettings()
    jobs: JobsSettings = JobsSettings()
    log: LogSettings = LogSettings()
    alerts: AlertSettings = AlertSettings()
    audit: AuditSettings = AuditSettings()
    canary: CanarySettings = CanarySettings()
    spool: SpoolSettings = SpoolSettings()
    retention: RetentionSettings = RetentionSettings()
    status: StatusSettings = StatusSettings()

    @field_validator("destinations")
    @classmethod
    def _names_differ(
        cls, value: tuple[Destination | WebDestination, ...]
    ) -> tuple[Destination | WebDestination, ...]:
        names = [destination.name for destination in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two destinations are called {', '.join(twice)}")
        return value

    @model_validator(mode="after")
    def _rules_name_destinations(self) -> Self:
        if wrong := self.strangers_in(self.analysis.rules):
            raise ValueError(wrong)
        return self

    def strangers_in(self, rules: Iterable[SelectionRule]) -> str:
        """Which destinations rules name that are not there, in words; empty where all are."""
        known = {destination.name for destination in self.destinations}
        named = {name for rule in rules for name in rule.destinations or ()}
        if strange := sorted(named - known):
            has = ", ".join(sorted(known)) or "none at all"
            return f"analysis.rules name {', '.join(strange)}; the destinations are {has}"
        return ""

    def wanted_results(self) -> dict[str, tuple[str, ...]]:
        """Each destination's name and the kinds of results it wants."""
        return {d.name: tuple(d.results) for d in self.destinations}

    @property
    def log_folder(self) -> Path:
        """Where log lines are kept."""
        return self.data_dir.resolve() / "logs"

    @property
    def database(self) -> str:
        """The database's URL: the configured one, or SQLite below ``data_dir``."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'registry.sqlite'}"

    def destination(self, name: str) -> Destination | WebDestination | None:
        """The destination of that name, if there is one."""
        return next((d for d in self.destinations if d.name == name), None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file over defaults (pydantic-settings' hook)."""
        del dotenv_settings, file_secret_settings
        if isinstance(env_settings, EnvSettingsSource):  # but files: see environment.py
            env_settings.env_vars = {
                name: value
                for name, value in env_settings.env_vars.items()
                if not name.endswith("_file") or name.endswith("__file")
            }
        return env_settings, init_settings
