"""The shipped scan as a new study: every run is one of its own."""

import uuid
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import UID

SHIPPED = Path(__file__).with_name("scan.zip")
CANARY_AE_TITLE = "PERF-CANARY"
"""What the canary calls itself when it sends."""
CANARY_PATIENT = "CANARY"
"""The patient's ID and name: nobody's."""
_DESCRIPTION = "CANARY: simulated, no patient"
_NAMESPACE = uuid.UUID("6f7bd2f6-5a0d-4a7e-9d0c-2f0a2b3f7c11")


@dataclass(frozen=True)
class CanaryScan:
    """A run's study and series."""

    study_instance_uid: str
    series_instance_uid: str

    @classmethod
    def new(cls) -> "CanaryScan":
        """One that no run had before."""
        return cls(_uid(uuid.uuid4()), _uid(uuid.uuid4()))


def write_scan(scan: CanaryScan, folder: Path) -> list[Path]:
    """The files of a run, in the order of the shipped ones."""
    written = []
    with zipfile.ZipFile(SHIPPED) as shipped:
        for name in sorted(shipped.namelist()):
            data_set = dcmread(BytesIO(shipped.read(name)))
            own = uuid.uuid5(_NAMESPACE, f"{scan.series_instance_uid} {data_set.SOPInstanceUID}")
            data_set.StudyInstanceUID = UID(scan.study_instance_uid)
            data_set.SeriesInstanceUID = UID(scan.series_instance_uid)
            data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = _uid(own)
            data_set.PatientID, data_set.PatientName = CANARY_PATIENT, CANARY_PATIENT
            data_set.SeriesDescription = data_set.StudyDescription = _DESCRIPTION
            data_set.AccessionNumber = ""
            path = folder / name
            data_set.save_as(path, enforce_file_format=True)
            written.append(path)
    return written


def _uid(number: uuid.UUID) -> UID:
    return UID(f"2.25.{number.int}")  # PS3.5 B.2
