"""The files that a person names: folders, zips, and zips that mean harm."""

import zipfile
from pathlib import Path

import pytest

from node.cli import files
from node.cli.files import files_of, is_dicom
from node.cli.options import BadCallError
from tests.support.prompt import perfusion_node


def zipped(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def test_a_folder_is_read_to_its_depths_but_for_its_results(tmp_path: Path) -> None:
    """A second run does not analyse what the first one wrote below the same folder."""
    for name in ("b", "a/c", "out/1.2.3/0001.dcm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with files_of(tmp_path, leave_out=[tmp_path / "out/1.2.3"]) as found:
        assert found == [tmp_path / "a/c", tmp_path / "b"]


def test_a_zip_is_unpacked_for_as_long_as_it_is_needed(tmp_path: Path) -> None:
    """Every file is there with its content, also where two have one name; nothing stays."""
    source = zipped(tmp_path / "s.zip", {"a/1.dcm": b"one", "b/1.dcm": b"two", "c/": b""})
    with files_of(source) as found:
        assert [path.read_bytes() for path in found] == [b"one", b"two"]
        assert {path.name for path in found} == {"1.dcm"}
    assert not any(path.exists() for path in found)


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/..", "x" * 5000, "é\\..\\y"])
def test_a_zips_names_lead_nowhere(tmp_path: Path, name: str) -> None:
    """Whatever an entry is called, it is unpacked below the temporary folder."""
    with files_of(zipped(tmp_path / "s.zip", {name: b"content"})) as (only,):
        assert only.resolve().parents[1].name.startswith("perfusion-node-")
        assert only.read_bytes() == b"content"


def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the entries say of their size is summed up first; the message has the numbers."""
    source = zipped(tmp_path / "s.zip", {"zeros": bytes(2**20)})
    assert source.stat().st_size < 2**12
    monkeypatch.setattr(files, "MOST_BYTES", 2**20 - 1)
    with pytest.raises(BadCallError, match="holds 1 file of"), files_of(source):
        pass
    monkeypatch.setattr(files, "MOST_BYTES", 2**20)
    with files_of(source) as found:
        assert len(found) == 1
    monkeypatch.setattr(files, "MOST_FILES", 0)
    with pytest.raises(BadCallError, match="at most 0"), files_of(source):
        pass


def test_an_entry_that_lies_about_its_size_is_not_read_beyond_it(tmp_path: Path) -> None:
    """A bomb cannot hide behind a small number: what is said is the most that is read."""
    source = zipped(tmp_path / "s.zip", {"zeros": bytes(70_003)})
    raw = source.read_bytes()
    size = (70_003).to_bytes(4, "little")
    assert raw.count(size) == 2
    source.write_bytes(raw.replace(size, (16).to_bytes(4, "little")))
    with pytest.raises(BadCallError, match="cannot be unpacked"), files_of(source):
        pass


def test_a_damaged_or_encrypted_zip_is_a_bad_call(tmp_path: Path) -> None:
    """It is named, with what to do instead; exit code 2."""
    source = zipped(tmp_path / "s.zip", {"a": bytes(range(256)) * 64})
    raw = bytearray(source.read_bytes())
    broken = tmp_path / "broken.zip"
    broken.write_bytes(raw[:60] + bytes(20) + raw[80:])
    raw[6] |= 1  # general purpose flag: encrypted, in the local header
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # and in the central directory
    locked = tmp_path / "locked.zip"
    locked.write_bytes(raw)
    for each in (broken, locked):
        said = perfusion_node("analyse", each, "--out", tmp_path / "out")
        assert said.code == 2
        assert f"{each} cannot be unpacked" in said.err
        assert "name the folder" in said.err


def test_only_dicom_files_are_offered_to_a_peer(tmp_path: Path) -> None:
    """The mark of PS3.10 decides; a DICOMDIR has it but is no instance."""
    for name, content in (("a", bytes(128) + b"DICM"), ("b", b"text"), ("c", b"")):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    assert [p.name for p in sorted(tmp_path.iterdir()) if is_dicom(p)] == ["a"]
