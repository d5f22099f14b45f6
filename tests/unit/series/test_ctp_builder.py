"""The synthetic series that every other test stands on."""

import subprocess
from pathlib import Path

from tests.support.ctp import CtpSpec, build_series, header_of, write_series
from tests.support.peers import require


def test_built_instances_are_valid_ct_images(tmp_path: Path) -> None:
    """No image has an error that dciodvfy finds."""
    dciodvfy = require("dciodvfy", package="dicom3tools")
    for path in write_series(build_series(CtpSpec(frames=1)), tmp_path):
        checked = subprocess.run([dciodvfy, path], capture_output=True, text=True, check=False)
        assert "Error" not in checked.stderr


def test_the_same_spec_gives_the_same_series_and_a_seed_another() -> None:
    """UIDs and pixels depend on the spec alone; the order depends on ``shuffle``."""
    once, again, shuffled, other = (
        [(d.SOPInstanceUID, d.PixelData) for d in build_series(spec)]
        for spec in (CtpSpec(), CtpSpec(), CtpSpec(shuffle=1), CtpSpec(seed=1))
    )
    assert once == again
    assert shuffled != once
    assert sorted(shuffled) == sorted(once)
    assert not {uid for uid, _ in once} & {uid for uid, _ in other}


def test_changing_one_instance_changes_no_other() -> None:
    """The datasets share no element."""
    first, second, *_ = build_series(CtpSpec(frames=1))
    first.PatientName = "Other^Name"
    assert second.PatientName == "Doe^Jane"
    assert header_of(first).series_instance_uid == header_of(second).series_instance_uid
