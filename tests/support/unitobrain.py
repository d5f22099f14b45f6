"""Tiny datasets in UniToBrain's layout: names, encodings, scales and traps of the real one."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import gdcm
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from models.unitobrain import SubjectFolders, subjects
from tests.support.phantom import Regions, attenuation, regions

UID_PREFIX = "1.2.826.0.1.3680043.10.1137."
FILTERED = "_Registered_Filtered_3mm_20HU"
SLOPES = {"CBF": 0.1, "CBV": 0.01, "MTT": 0.01, "TTP": 0.01, "Delay": 0.01}
# Median values of the real maps lie low: they are not corrected for partial volume.
SOUND = {"CBF": 15.0, "CBV": 1.4, "MTT": 5.6, "TTP": 18.0, "Delay": -0.3}
SLOW = {"CBF": 8.0, "CBV": 1.3, "MTT": 9.8, "TTP": 27.0, "Delay": 6.0}
DEAD = {"CBF": 2.0, "CBV": 0.4, "MTT": 12.0, "TTP": 31.0, "Delay": 8.0}


@dataclass(frozen=True)
class TinySubject:
    """What to write: a shuttle of two slabs unless said otherwise.

    Parameters
    ----------
    name
        Such as ``MOL-001``.
    frames, interval_s, slab_offset_s
        The upper half of the slices is imaged later by the offset.
    slices, rows, gap_mm
        ``rows`` x ``rows`` pixels over 200 mm; slices are ``gap_mm`` apart.
    constant
        Slices whose maps were never computed.
    """

    name: str = "MOL-001"
    frames: int = 18
    interval_s: float = 2.81
    slab_offset_s: float = 1.4
    slices: int = 4
    rows: int = 64
    gap_mm: float = 5.0
    constant: tuple[int, ...] = (0,)

    @property
    def pixel_mm(self) -> float:
        """Size of a pixel [mm]."""
        return 200.0 / self.rows

    def z_mm(self, z: int) -> float:
        """Where a slice lies; real ones are no whole numbers."""
        return 12.347 + self.gap_mm * z

    def time_s(self, frame: int, z: int) -> float:
        """When an image is acquired [s]."""
        return frame * self.interval_s + (self.slab_offset_s if z >= self.slices // 2 else 0.0)

    def hu(self, frame: int, z: int) -> NDArray[np.float64]:
        """Attenuation of an image [HU]."""
        rng = np.random.default_rng((frame, z))
        noise = rng.normal(0.0, 1.0, (self.rows, self.rows))
        head = regions(self.rows, z, self.slices).head
        return attenuation(self.rows, z, self.slices, self.time_s(frame, z)) + noise * head

    def map(self, kind: str, z: int) -> NDArray[np.float64]:
        """A map's values, in the map's unit; 0 where nothing was computed."""
        parts: Regions = regions(self.rows, z, self.slices)
        values = np.zeros((self.rows, self.rows))
        if z in self.constant:
            return values
        rough = np.random.default_rng(z).normal(1.0, 0.02, values.shape)
        values[parts.brain] = SOUND[kind]
        values[parts.lesion] = SLOW[kind]
        values[parts.core] = DEAD[kind]
        return values * rough


def write_dataset(root: Path, *subjects: TinySubject) -> Path:
    """The four folders of every subject below ``root``; returns ``root``."""
    for subject in subjects or (TinySubject(),):
        write_subject(root, subject)
    return root


def write_subject(root: Path, subject: TinySubject) -> None:
    """Raw, registered and filtered images and the five maps of one subject."""
    raw = root / subject.name
    filtered = root / f"{subject.name}{FILTERED}"
    cells = [(t, z) for t in range(subject.frames) for z in range(subject.slices)]
    # The raw files' names say nothing of the order; the derived ones are numbered from 1, and
    # five digits keep their names in order too, but slices descend.
    for number, (frame, z) in enumerate(reversed(cells), start=1):
        _write_raw(raw / f"IM-0001-{number:04d}-0001.dcm", subject, frame, z)
    for number, (frame, z) in enumerate(sorted(cells, key=lambda c: (c[0], -c[1])), start=1):
        hu = subject.hu(frame, z)
        write_derived(filtered / f"Filtered{number:05d}.dcm", subject, z, hu, (0.1, -1000.0))
    shutil.copytree(filtered, root / f"{subject.name}_Registered")
    for kind, slope in SLOPES.items():
        folder = root / f"{subject.name}{FILTERED}_Maps" / f"NLR_{kind}"
        intercept = -100.0 if kind == "Delay" else 0.0
        for number, z in enumerate(reversed(range(subject.slices)), start=1):
            values = subject.map(kind, z)
            path = folder / f"NLR_{kind}{number:05d}.dcm"
            write_derived(path, subject, z, values, (slope, intercept))


def write_derived(
    path: Path,
    subject: TinySubject,
    z: int,
    values: NDArray[np.float64],
    scale: tuple[float, float],
) -> None:
    """An unsigned image of another scale, with a clock that means nothing."""
    image = _image(subject, z, values.shape[0])
    image.ImageType = ["DERIVED", "SECONDARY"]
    image.AcquisitionTime = image.ContentTime = "010102"
    image.PixelRepresentation = 0
    image.RescaleSlope, image.RescaleIntercept = scale
    stored = np.clip(np.rint((values - scale[1]) / scale[0]), 0, 65535)
    image.PixelData = stored.astype("<u2").tobytes()
    _write(path, image)


def _write_raw(path: Path, subject: TinySubject, frame: int, z: int) -> None:
    """A signed image in JPEG Lossless SV1, as the scanner sent it."""
    taken = datetime(2018, 5, 4, 10, 1, 2, 500000)
    taken += timedelta(seconds=subject.time_s(frame, z))
    image = _image(subject, z, subject.rows)
    image.SeriesInstanceUID = generate_uid(UID_PREFIX, [subject.name, "raw"])
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.AcquisitionDate = image.ContentDate = f"{taken:%Y%m%d}"
    image.AcquisitionTime = image.ContentTime = f"{taken:%H%M%S.%f}"
    image.PixelRepresentation = 1
    image.RescaleSlope, image.RescaleIntercept = 1, -1024
    image.PixelData = (np.rint(subject.hu(frame, z)) + 1024).astype("<i2").tobytes()
    _write(path, image)
    _compress(path)


def _image(subject: TinySubject, z: int, rows: int) -> FileDataset:
    """What every image carries."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta)
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.StudyInstanceUID = generate_uid(UID_PREFIX, [subject.name, "study"])
    image.SeriesInstanceUID = generate_uid(UID_PREFIX, [subject.name, "derived"])
    image.FrameOfReferenceUID = generate_uid(UID_PREFIX, [subject.name, "frame"])
    image.Modality, image.PatientID, image.PatientName = "CT", subject.name, subject.name
    image.Manufacturer, image.ManufacturerModelName = "GE MEDICAL SYSTEMS", "LightSpeed VCT"
    image.ConvolutionKernel, image.KVP = "STANDARD", 80
    image.ImagePositionPatient = [-100.0, -100.0, round(subject.z_mm(z), 3)]
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.PixelSpacing = [subject.pixel_mm, subject.pixel_mm]
    image.SliceThickness = subject.gap_mm
    image.Rows = image.Columns = rows
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.WindowCenter, image.WindowWidth = 40, 400
    return image


def _write(path: Path, image: FileDataset) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(path, image, enforce_file_format=True)


def _compress(path: Path) -> None:
    """The same image in JPEG Lossless, first-order prediction."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def images_of(root: Path, subject: TinySubject, kind: str = "") -> list[Path]:
    """The files of the filtered series, or of a map, by name."""
    folder = root / f"{subject.name}{FILTERED}"
    return sorted((Path(f"{folder}_Maps") / f"NLR_{kind}" if kind else folder).glob("*.dcm"))


def folders(root: Path) -> SubjectFolders:
    """The one subject of a dataset."""
    (found,) = subjects(root)
    return found


def rewritten(path: Path, **changes: object) -> Path:
    """A file with attributes changed, in its own place."""
    image = pydicom.dcmread(path)
    for name, value in changes.items():
        setattr(image, name, value)
    image.save_as(path)
    return path


def scaled(path: Path, factor: float) -> Path:
    """A file whose values are all multiplied."""
    return rewritten(path, RescaleSlope=float(pydicom.dcmread(path).RescaleSlope) * factor)


def undecodable(path: Path) -> Path:
    """A file that is no DICOM any more."""
    path.write_bytes(b"nothing of the kind")
    return path
