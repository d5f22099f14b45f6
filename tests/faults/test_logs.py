"""What a whole node says of a marked patient: every stage by UID, and never who it was."""

from pathlib import Path

from node.scu import DicomPacs
from node.settings import Destination
from tests.support.ctp import CtpSpec, build_series, write_series
from tests.support.listening import listening, storescu
from tests.support.prompt import perfusion_node
from tests.support.running_node import running_node

MARKS = ("ZZQMARK", "4711-ZZQ", "19470815", "ZZQACC", "ZZQSITE", "ZZQDOC")


def marked(spec: CtpSpec, folder: Path) -> list[Path]:
    datasets = build_series(spec)
    for dataset in datasets:
        dataset.PatientName, dataset.PatientID = "ZZQMARK^Person", "4711-ZZQ"
        dataset.PatientBirthDate, dataset.AccessionNumber = "19470815", "ZZQACC"
        dataset.InstitutionName, dataset.ReferringPhysicianName = "ZZQSITE", "ZZQDOC^A"
    return write_series(datasets, folder)


def test_every_stage_is_told_by_uid_and_no_identity_ever(tmp_path: Path) -> None:
    """Good, refused, damaged and doubled: nothing that names a patient is in any log."""
    good, short = CtpSpec(slices=2, seed=1), CtpSpec(slices=2, frames=4, seed=2)
    with listening(tmp_path / "archive") as archive:
        pacs = f'[[destinations]]\nname = "pacs"\nae_title = "PERFUSION"\nport = {archive.port}\n'
        with running_node(tmp_path / "node", pacs) as node:
            files = marked(good, tmp_path / "good")
            assert storescu(node.port, files).returncode == 0
            assert storescu(node.port, files[:2]).returncode == 0
            assert storescu(node.port, marked(short, tmp_path / "short")).returncode == 0
            damaged = tmp_path / "damaged.dcm"
            damaged.write_bytes(files[0].read_bytes()[:-200])
            itself = Destination(name="node", ae_title="PERFUSION", port=node.port)
            DicomPacs(itself, "SENDER").store([damaged], lambda _: None)
            node.wait_for_state("DELIVERED", uid=good.series_instance_uid)
            node.wait_for_state("REFUSED", uid=short.series_instance_uid)
        config = str(node.config)
        told = perfusion_node("logs", good.series_instance_uid, "-c", config, "--json")
        short_end = perfusion_node("logs", good.series_instance_uid[-12:], "-c", config)
        nobody = perfusion_node("logs", "1.2.3.99", "-c", config)
    events = [line["event"] for line in told.json]
    for event in ("series_completed", "stage_done", "series_analysed", "round_ended"):
        assert event in events
    assert {line.get("stage") for line in told.json} > {"recognise", "stack", "predict", "encode"}
    assert (told.code, short_end.code, nobody.code) == (0, 0, 1)
    assert len(short_end.out.splitlines()) >= len(events)
    kept = [*(tmp_path / "node" / "data" / "logs").iterdir(), tmp_path / "node" / "node.log"]
    assert len(kept) >= 2
    for path in kept:
        text = path.read_text(errors="replace")
        assert "series_analysed" in text
        assert [mark for mark in MARKS if mark in text] == []
    assert [m for m in MARKS if m in told.out + short_end.out] == []
