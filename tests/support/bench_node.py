"""A real node around a fake model and fake destinations."""

from functools import cached_property
from io import BytesIO
from pathlib import Path

from pydicom import Dataset

from node.ports import CommitmentScp, Model, Pacs
from node.settings import (
    AnalysisSettings,
    Destination,
    JobsSettings,
    ScpSettings,
    Settings,
    SpoolSettings,
)
from node.wiring import Node
from tests.support.ctp import CtpSpec, build_series, header_of
from tests.support.fake_model import FakeModel
from tests.support.fake_pacs import FakePacs
from tests.support.registered import now


def bench_settings(folder: Path, *ports: int, **values: object) -> Settings:
    """Settings of a node below ``folder`` with a destination ``pacs<n>`` at each port."""
    defaults: dict[str, object] = {
        "data_dir": folder,
        "destinations": tuple(
            Destination(name=f"pacs{i}", ae_title="PACS", port=port) for i, port in enumerate(ports)
        ),
        "scp": ScpSettings(grace_s=0.0, quiet_s=30.0),
        "spool": SpoolSettings(min_free_gib=0.0),
        "jobs": JobsSettings(sweep_s=0.05, retry_first_s=0.2, retry_longest_s=1.0),
        "analysis": AnalysisSettings(max_pixel_mm=6.25),
    }
    return Settings(**{**defaults, **values})


class BenchNode(Node):
    """A node whose registry and spool are real, and whose model and PACS are fakes."""

    def __init__(self, settings: Settings, model: FakeModel | None = None) -> None:
        super().__init__(settings)
        self.fake_model = model or FakeModel()
        self.fake_pacs = {d.name: FakePacs() for d in settings.destinations}

    @cached_property
    def model(self) -> Model:
        return self.fake_model

    def pacs(self, name: str) -> Pacs:
        return self.fake_pacs[name]

    def commitment_scp(self, name: str) -> CommitmentScp:
        return self.fake_pacs[name]


def receive_series(node: Node, spec: CtpSpec | None = None) -> str:
    """Every image of a small CT perfusion series, in spool and registry; the series' UID."""
    spec = spec or CtpSpec()
    for dataset in build_series(spec):
        receive_dataset(node, dataset)
    return spec.series_instance_uid


def receive_dataset(node: Node, dataset: Dataset) -> None:
    """One image, kept and recorded as the listener does it."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    header, data = header_of(dataset), buffer.getvalue()
    meta = 132 + 12 + int.from_bytes(data[140:144], "little")
    kept = node.spool.keep((data[:meta], data[meta:]), header)
    node.registry.record(header, kept, calling_ae_title="CT1", ignored=False)


def complete_series(node: Node, spec: CtpSpec | None = None) -> str:
    """A received series that is due for analysis; its UID."""
    uid = receive_series(node, spec)
    seen = next(s for s in node.registry.receiving() if s.series_instance_uid == uid)
    assert node.registry.complete(seen, now=now(), note="whole")
    return uid
