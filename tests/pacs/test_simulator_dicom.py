"""Simulated CT images are valid CT images."""

import subprocess

from models.simulator import Acquisition, simulate, write_dicom
from tests.support.peers import require


def test_simulated_images_pass_dciodvfy(tmp_path):
    """dicom3tools finds neither an error nor a warning in a CT image of the simulator."""
    dciodvfy = require("dciodvfy", package="dicom3tools")
    small = Acquisition.regular("small", slices=2, frames=2, interval_s=2.0).at(32)
    for path in write_dicom(simulate(1, small), tmp_path):
        done = subprocess.run([dciodvfy, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0
        assert done.stderr.strip() == "CTImage"
