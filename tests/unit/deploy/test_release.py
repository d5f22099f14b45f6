"""What `make dist` puts beside the wheel: the same from the same files, and nothing secret."""

import hashlib
import json
import tarfile
from pathlib import Path

from deploy.release import checksums, context, licences


def test_the_image_context_is_the_same_each_time_and_has_no_secrets(tmp_path: Path) -> None:
    """Byte for byte; with what the Dockerfile copies, without passwords and caches."""
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(context(tmp_path / name, "1.0", "1700000000"))
    assert made[0].read_bytes() == made[1].read_bytes()
    with tarfile.open(made[0]) as archive:
        names = set(archive.getnames())
    assert {"deploy/Dockerfile", "pyproject.toml", "models/weights/perfusion.onnx"} <= names
    assert not [name for name in names if "secrets/" in name or "__pycache__" in name]


def test_licences_are_told_by_their_identifiers(tmp_path: Path) -> None:
    """An expression or identifier where there is one, else the name; a whole text never."""
    bill = tmp_path / "bom.json"
    told = (
        [
            {"license": {"id": "MIT"}},
            {"license": {"name": "License :: OSI Approved :: MIT License"}},
        ],
        [{"expression": "BSD-3-Clause AND MIT"}],
        [{"license": {"name": "Copyright (c) " + "word " * 100}}],
    )
    components = [
        {"name": f"package{n}", "version": "1", "licenses": each} for n, each in enumerate(told)
    ]
    bill.write_text(json.dumps({"components": components}))
    rows = licences(bill).splitlines()[2:]
    assert rows == [
        "| package0 | 1 | MIT, MIT License |",
        "| package1 | 1 | BSD-3-Clause AND MIT |",
        "| package2 | 1 | see the package |",
    ]


def test_every_file_has_its_checksum(tmp_path: Path) -> None:
    """As sha256sum -c reads it."""
    (tmp_path / "a").write_bytes(b"a")
    checksums(tmp_path)
    line = (tmp_path / "SHA256SUMS").read_text()
    assert line == f"{hashlib.sha256(b'a').hexdigest()}  a\n"
