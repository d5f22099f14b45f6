"""Synthetic CT perfusion series: a small head, a bolus, a late lesion; valid CT Image Storage."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from node.perfusion import (
    DynamicCt,
    Estimator,
    Lesion,
    LesionThresholds,
    PerfusionMaps,
    Quantity,
)
from node.series import CtpSeries, Geometry, Header, Instance
from tests.support.ctp_spec import CtpSpec
from tests.support.phantom import attenuation, regions

__all__ = [
    "CtpSpec",
    "HeadMaps",
    "build_instance",
    "build_series",
    "ctp_series",
    "head_maps",
    "head_scan",
    "header_of",
    "instances_of",
    "slice_hu",
    "write_series",
]

DEFAULT = CtpSpec()


@dataclass(frozen=True, eq=False)
class HeadMaps:
    """A built series with plausible results, for tests of what comes after the network."""

    spec: CtpSpec
    datasets: list[Dataset]
    series: CtpSeries
    geometry: Geometry
    scan: DynamicCt
    maps: PerfusionMaps
    lesion: Lesion


def build_series(spec: CtpSpec = DEFAULT) -> list[Dataset]:
    """Every instance of the series as a dataset with file_meta, ready to send or to write."""
    datasets = [
        build_instance(spec, frame, z) for frame in range(spec.frames) for z in range(spec.slices)
    ]
    if spec.shuffle is not None:
        random.Random(spec.shuffle).shuffle(datasets)
    return datasets


def build_instance(spec: CtpSpec, frame: int, z: int) -> Dataset:
    """One CT Image Storage instance: slice ``z`` at time point ``frame``."""
    dataset = FileDataset("", {}, file_meta=_file_meta(spec.sop_instance_uid(frame, z)))
    dataset.update(_context(spec))
    _place(dataset, spec, frame, z)
    stored = np.clip(np.rint(slice_hu(spec, frame, z)) + 1024, 0, 4095).astype("<u2")
    dataset.PixelData = stored.tobytes()
    return dataset


def write_series(datasets: Sequence[Dataset], folder: Path) -> list[Path]:
    """Part 10 files ``0000.dcm``, ``0001.dcm`` ... in the order given."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:04d}.dcm" for i in range(len(datasets))]
    for dataset, path in zip(datasets, paths, strict=True):
        dataset.save_as(path, enforce_file_format=True)
    return paths


def instances_of(datasets: Sequence[Dataset], folder: Path) -> list[Instance]:
    """The datasets written to ``folder``, with headers made by hand (not by ``read_header``)."""
    paths = write_series(datasets, folder)
    return [Instance(header_of(d), p) for d, p in zip(datasets, paths, strict=True)]


def header_of(dataset: Dataset) -> Header:
    """The header of a dataset that :func:`build_instance` made."""
    taken = datetime.strptime(dataset.AcquisitionDate + dataset.AcquisitionTime, "%Y%m%d%H%M%S.%f")
    seconds = (taken - datetime(1970, 1, 1)).total_seconds()
    position = [float(v) for v in dataset.ImagePositionPatient]
    cosines = [float(v) for v in dataset.ImageOrientationPatient]
    return Header(
        sop_class_uid=str(dataset.SOPClassUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        study_instance_uid=str(dataset.StudyInstanceUID),
        series_instance_uid=str(dataset.SeriesInstanceUID),
        transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
        modality=dataset.Modality,
        image_type=tuple(dataset.ImageType),
        rows=dataset.Rows,
        columns=dataset.Columns,
        has_pixels=True,
        frame_of_reference_uid=str(dataset.FrameOfReferenceUID),
        position_mm=(position[0], position[1], position[2]),
        orientation=(cosines[0], cosines[1], cosines[2], cosines[3], cosines[4], cosines[5]),
        pixel_mm=(float(dataset.PixelSpacing[0]), float(dataset.PixelSpacing[1])),
        slice_thickness_mm=float(dataset.SliceThickness),
        instance_number=int(dataset.InstanceNumber),
        acquisition_number=int(dataset.AcquisitionNumber),
        kernel=dataset.ConvolutionKernel,
        series_description=dataset.SeriesDescription,
        times_s=(("AcquisitionTime", seconds), ("ContentTime", seconds)),
    )


def ctp_series(spec: CtpSpec, folder: Path) -> CtpSeries:
    """The series as ``recognise`` gives it back, files in ``folder``, made by hand."""
    datasets = build_series(replace(spec, shuffle=None))
    instances = instances_of(datasets, folder)
    times = [[spec.time_s(t, z) for z in range(spec.slices)] for t in range(spec.frames)]
    return CtpSeries(
        study_instance_uid=spec.study_instance_uid,
        series_instance_uid=spec.series_instance_uid,
        description=spec.series_description,
        grid=tuple(
            tuple(instances[t * spec.slices : (t + 1) * spec.slices]) for t in range(spec.frames)
        ),
        time_s=np.array(times) - np.min(times),
        geometry=spec.geometry,
        time_source="AcquisitionTime",
    )


def head_maps(folder: Path, spec: CtpSpec = DEFAULT) -> HeadMaps:
    """A series on disk with its scan, maps and lesion, on the source's own pixels."""
    series = ctp_series(spec, folder)
    scan = head_scan(spec)
    parts = [regions(spec.rows, z, spec.slices) for z in range(spec.slices)]
    brain, lesion, core = (
        np.stack([getattr(r, name) for r in parts]) for name in ("brain", "lesion", "core")
    )
    values = {q: np.where(brain, _NORMAL[q], 0).astype(np.float32) for q in Quantity}
    for quantity in Quantity:
        values[quantity][lesion] = _PENUMBRA[quantity]
        values[quantity][core] = _CORE[quantity]
    maps = PerfusionMaps(
        values=values,
        brain=brain,
        baseline_hu=scan.hu[:2].mean(axis=0),
        spacing_mm=scan.spacing_mm,
        estimator=Estimator(name="by hand", version="1", sha256="0" * 64),
    )
    ml = maps.voxel_ml
    found = Lesion(
        core=core,
        hypoperfusion=lesion,
        core_ml=float(core.sum() * ml),
        hypoperfusion_ml=float(lesion.sum() * ml),
        hypoperfusion_intensity_ratio=float(core.sum() / lesion.sum()),
        normal_cbf=_NORMAL[Quantity.CBF],
        thresholds=LesionThresholds(),
    )
    datasets = build_series(replace(spec, shuffle=None))
    return HeadMaps(spec, datasets, series, spec.geometry, scan, maps, found)


def slice_hu(spec: CtpSpec, frame: int, z: int) -> NDArray[np.float64]:
    """Attenuation of one slice (Y, X) [HU], noise included."""
    hu = attenuation(spec.rows, z, spec.slices, spec.time_s(frame, z))
    noise = np.random.default_rng((spec.seed, frame, z)).normal(0.0, spec.noise_hu, hu.shape)
    return hu + np.where(regions(spec.rows, z, spec.slices).head, noise, 0.0)


def head_scan(spec: CtpSpec = DEFAULT) -> DynamicCt:
    """The scan as ``stack`` gives it back, on the source's own pixels."""
    frames, slices = range(spec.frames), range(spec.slices)
    hu = np.array([[np.rint(slice_hu(spec, t, z)) for z in slices] for t in frames])
    times = np.array([[spec.time_s(t, z) for z in slices] for t in frames])
    return DynamicCt(
        hu=hu.astype(np.float32),
        time_s=times - times.min(),
        spacing_mm=(spec.spacing_mm, spec.pixel_mm, spec.pixel_mm),
        missing=np.zeros(times.shape, bool),
    )


_NORMAL = dict(zip(Quantity, (50.0, 3.5, 4.2, 12.0, 3.0), strict=True))
_PENUMBRA = dict(zip(Quantity, (20.0, 3.5, 10.5, 20.0, 9.0), strict=True))
_CORE = dict(zip(Quantity, (5.0, 0.8, 9.6, 24.0, 12.0), strict=True))


def _file_meta(sop_instance_uid: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return meta


def _context(spec: CtpSpec) -> Dataset:
    """What every instance of the series shares."""
    d = Dataset()
    d.SpecificCharacterSet = spec.charset if isinstance(spec.charset, str) else [*spec.charset]
    d.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    d.SOPClassUID = CTImageStorage
    d.StudyDate = d.SeriesDate = f"{spec.start:%Y%m%d}"
    d.StudyTime = d.SeriesTime = f"{spec.start:%H%M%S.%f}"
    d.AccessionNumber = spec.accession_number
    d.Modality = "CT"
    d.Manufacturer = "Perfusion Node tests"
    d.ManufacturerModelName = "Phantom"
    d.DeviceSerialNumber = "1"
    d.SoftwareVersions = "1"
    d.InstitutionName = "Test Hospital"
    d.ReferringPhysicianName = "Referrer^Rita"
    d.StudyDescription = "CT stroke protocol"
    d.SeriesDescription = spec.series_description
    d.PatientName = spec.patient_name
    d.PatientID = spec.patient_id
    d.IssuerOfPatientID = "TESTHOSP"
    d.PatientBirthDate = "19500101"
    d.PatientSex = "F"
    d.PatientAge = "076Y"
    d.ContrastBolusAgent = "Iodine"
    d.BodyPartExamined = "HEAD"
    d.SliceThickness = spec.spacing_mm
    d.KVP = 80
    d.XRayTubeCurrent = 190
    d.ExposureTime = 1000
    d.PatientPosition = "HFS"
    d.ConvolutionKernel = "STANDARD"
    d.StudyInstanceUID = spec.study_instance_uid
    d.SeriesInstanceUID = spec.series_instance_uid
    d.StudyID = "1"
    d.SeriesNumber = spec.series_number
    d.ImageOrientationPatient = list(spec.orientation)
    d.FrameOfReferenceUID = spec.geometry.frame_of_reference_uid
    d.PositionReferenceIndicator = ""
    d.SamplesPerPixel = 1
    d.PhotometricInterpretation = "MONOCHROME2"
    d.Rows = d.Columns = spec.rows
    d.PixelSpacing = [spec.pixel_mm, spec.pixel_mm]
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
    d.WindowCenter, d.WindowWidth = 40, 80
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = -1024, 1, "HU"
    return d


def _place(dataset: Dataset, spec: CtpSpec, frame: int, z: int) -> None:
    """Sets what differs from image to image: identity, place and time."""
    taken = spec.start + timedelta(seconds=spec.time_s(frame, z))
    dataset.SOPInstanceUID = spec.sop_instance_uid(frame, z)
    dataset.AcquisitionDate = dataset.ContentDate = f"{taken:%Y%m%d}"
    dataset.AcquisitionTime = dataset.ContentTime = f"{taken:%H%M%S.%f}"
    dataset.AcquisitionNumber = frame + 1
    time_major, slice_major = frame * spec.slices + z, z * spec.frames + frame
    dataset.InstanceNumber = (slice_major if spec.slice_major else time_major) + 1
    dataset.ImagePositionPatient = [round(float(v), 6) for v in spec.position_mm(z)]
