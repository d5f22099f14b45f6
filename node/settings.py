"""Every setting of the node: one TOML file, each key also an environment variable."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from node.dicomweb import DicomWeb
from node.errors import SettingsError
from node.patience import CommitmentSettings, JobsSettings, RetentionSettings

ENVIRONMENT_PREFIX = "PERFUSION_NODE_"
WEIGHTS = Path(__file__).resolve().parent.parent / "models" / "weights"

AeTitle = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[^\\\x00-\x1f]+$"
    ),
]
Port = Annotated[int, Field(ge=1, le=65535)]
ResultKind = Literal[
    "background",
    "colour",
    "colour_multiframe",
    "summary_page",
    "segmentation",
    "parametric_map",
    "derived_ct",
    "report",
    "refusal_page",
    "rejection_note",
]
ALL_RESULTS: tuple[ResultKind, ...] = get_args(ResultKind)
ON_REQUEST: tuple[ResultKind, ...] = ("colour_multiframe", "derived_ct", "rejection_note")
DEFAULT_RESULTS = tuple(kind for kind in ALL_RESULTS if kind not in ON_REQUEST)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Peer(_Section):
    """A sender that may open associations; ``host`` empty means any address."""

    ae_title: AeTitle
    host: str = ""


class ScpSettings(_Section):
    """The listener: who may send, how much at once, and when a series counts as complete."""

    ae_title: AeTitle = "PERFUSION"
    host: str = "127.0.0.1"
    port: Port = 11112
    check_called_ae_title: bool = True
    allowed_peers: tuple[Peer, ...] = ()
    max_associations: Annotated[int, Field(ge=1)] = 50
    max_associations_per_peer: Annotated[int, Field(ge=1)] = 25
    idle_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    pdu_timeout_s: Annotated[float, Field(gt=0)] = 60.0
    grace_s: Annotated[float, Field(ge=0)] = 2.0
    quiet_s: Annotated[float, Field(gt=0)] = 20.0
    max_instance_mib: Annotated[float, Field(gt=0)] = 1024.0
    max_receiving_mib: Annotated[float, Field(gt=0)] = 2048.0
    max_series_images: Annotated[int, Field(ge=1)] = 20_000
    max_series_gib: Annotated[float, Field(gt=0)] = 20.0


class _Destination(_Section):
    """What every archive that receives results has: a name, and which objects it is sent."""

    name: Annotated[str, StringConstraints(min_length=1, pattern=r"^[A-Za-z0-9_-]+$")]
    results: tuple[ResultKind, ...] = DEFAULT_RESULTS
    verify: Literal["none", "find"] = "none"


class Destination(_Destination):
    """A PACS that receives results over C-STORE."""

    ae_title: AeTitle
    host: str = "127.0.0.1"
    port: Port
    commitment: bool = False


class WebDestination(_Destination, DicomWeb):
    """A DICOMweb server that receives results over STOW-RS."""


def _kind_of(value: object) -> str:
    """Which kind of destination a block is meant as: one with a ``url`` is a DICOMweb server."""
    web = "url" in value if isinstance(value, dict) else isinstance(value, WebDestination)
    return "dicomweb" if web else "dicom"


_KINDS = ("dicom", "dicomweb")
AnyDestination = Annotated[
    Annotated[Destination, Tag(_KINDS[0])] | Annotated[WebDestination, Tag(_KINDS[1])],
    Discriminator(_kind_of),
]


class ModelSettings(_Section):
    """Which network runs, and where."""

    path: Path = WEIGHTS / "perfusion.onnx"
    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["float32", "float16"] = "float32"
    threads: Annotated[int, Field(ge=0)] = 0

    @property
    def file(self) -> Path:
        """The .onnx file that runs: ``path``, or its half-precision variant beside it."""
        if self.precision == "float32":
            return self.path
        return self.path.with_name(f"{self.path.stem}-fp16{self.path.suffix}")


class SelectionRule(_Section):
    """Series that are left out, or taken though derived; every condition must hold."""

    action: Literal["analyse", "skip"]
    description: str = "*"
    protocol: str = "*"
    image_type: str = "*"
    min_thickness_mm: Annotated[float, Field(ge=0)] | None = None
    max_thickness_mm: Annotated[float, Field(gt=0)] | None = None


class AnalysisSettings(_Section):
    """Eligibility limits and lesion thresholds (SI units as named)."""

    min_frames: Annotated[int, Field(ge=2)] = 10
    min_coverage_s: Annotated[float, Field(gt=0)] = 30.0
    min_slices: Annotated[int, Field(ge=1)] = 2
    max_interval_s: Annotated[float, Field(gt=0)] = 6.0
    max_missing_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    max_pixel_mm: Annotated[float, Field(gt=0)] = 1.0
    max_slice_mm: Annotated[float, Field(gt=0)] = 5.0
    index_interval_s: Annotated[float, Field(gt=0)] | None = None
    accept_derived: bool = False
    rules: tuple[SelectionRule, ...] = ()
    tmax_hypoperfusion_s: Annotated[float, Field(gt=0)] = 6.0
    rcbf_core: Annotated[float, Field(gt=0, lt=1)] = 0.3
    min_lesion_ml: Annotated[float, Field(ge=0)] = 1.0


class ResultsSettings(_Section):
    """What the result objects are called and under which UID root."""

    uid_root: Annotated[str, StringConstraints(pattern=r"^([0-9]+(\.[0-9]+)*)?$")] = ""
    series_number: Annotated[int, Field(ge=1, le=99_000)] = 9000
    colour_table: Literal["asist", "viridis"] = "asist"
    rejection_reason: Literal["quality", "safety"] = "quality"


class SpoolSettings(_Section):
    """The marks of the disk: little room, and none for anything more that is received."""

    low_free_gib: Annotated[float, Field(ge=0)] = 10.0
    min_free_gib: Annotated[float, Field(ge=0)] = 2.0


class StatusSettings(_Section):
    """Where the status page listens."""

    host: str = "127.0.0.1"
    port: Port = 8050


class Settings(BaseSettings):
    """The whole node's settings, checked together.

    Sources, first wins: environment variables (``PERFUSION_NODE_SCP__PORT=104``), then the
    TOML file, then the defaults.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_dir: Path = Path("perfusion-data")
    redis_url: str = ""
    database_url: str = ""
    scp: ScpSettings = ScpSettings()
    destinations: tuple[AnyDestination, ...] = ()
    commitment: CommitmentSettings = CommitmentSettings()
    model: ModelSettings = ModelSettings()
    analysis: AnalysisSettings = AnalysisSettings()
    results: ResultsSettings = ResultsSettings()
    jobs: JobsSettings = JobsSettings()
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
        return env_settings, init_settings


def load(path: Path | None = None) -> Settings:
    """The settings from a TOML file (``path``, else ``PERFUSION_NODE_CONFIG``) and environment.

    Raises
    ------
    SettingsError
        If the file cannot be read or any key is wrong; every problem is named at once.
    """
    named = path or (Path(p) if (p := os.environ.get(f"{ENVIRONMENT_PREFIX}CONFIG")) else None)
    values = _read_toml(named) if named else {}
    try:
        return Settings(**values)
    except ValidationError as problems:
        lines = [f"{_key(e['loc'])}: {e['msg']}" for e in problems.errors()]
        source = str(named) if named else "the environment"
        raise SettingsError(f"{len(lines)} problem(s) in {source}:\n" + "\n".join(lines)) from None


def _key(place: tuple[int | str, ...]) -> str:
    """Where a problem is, as the file names it: without pydantic's word for the kind of a block."""
    return ".".join(str(part) for part in place if part not in _KINDS)


def _read_toml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise SettingsError(
            f"the settings file {path} does not exist",
            "Name one that is there with --config or PERFUSION_NODE_CONFIG.",
        )
    try:
        return TomlConfigSettingsSource(Settings, toml_file=path)()
    except ValueError as problem:
        raise SettingsError(f"{path} is not valid TOML: {problem}") from problem
