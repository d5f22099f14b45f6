"""A simulated scan as the CT images a scanner would send."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from models.simulator.realism import PLAIN
from models.simulator.scan import SimulatedScan
from models.simulator.vendors import VENDORS, Place, Vendor, by_frame

_INTERCEPT_HU = -1024
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "simulator.perfusion-node")


@dataclass(frozen=True)
class StudyHeader:
    """What the images say about patient, study and scanner.

    Parameters
    ----------
    patient_name, patient_id, birth_date, sex
        The patient; an empty ID becomes ``SIM-<seed>``.
    accession_number, study_id, study_description, referring_physician
        The study.
    series_description, series_number
        The series.
    manufacturer, model, station_name, institution
        The scanner.
    started
        Time of the earliest image.
    salt
        Any text: another salt makes another study of the same patient.
    """

    patient_name: str = "Simulated^Stroke"
    patient_id: str = ""
    birth_date: str = "19500101"
    sex: str = "O"
    accession_number: str = ""
    study_id: str = "1"
    study_description: str = "CT Head Perfusion"
    referring_physician: str = ""
    series_description: str = "CTP Head 5.0"
    series_number: int = 4
    manufacturer: str = "Perfusion Node"
    model: str = "Simulator"
    station_name: str = "SIMCT1"
    institution: str = "Simulated Hospital"
    started: datetime = datetime(2024, 3, 14, 15, 9, 26, 500000)
    salt: str = ""


def write_dicom(
    simulated: SimulatedScan,
    folder: Path,
    *,
    header: StudyHeader | None = None,
    vendor: str | None = None,
) -> list[Path]:
    """The CT images of a scan, one file each: the same call writes the same bytes.

    Classic CT Image Storage in Explicit VR Little Endian; images are numbered time by time,
    slices ascending, and every image carries its own acquisition time, unless a vendor has it
    otherwise. Images that the scan misses are not written.

    Parameters
    ----------
    simulated
        The scan.
    folder
        Where to write; made if absent, files in it are overwritten.
    header
        Patient, study and scanner.
    vendor
        One of ``models.simulator.VENDORS``; its scanner takes the place of the header's.

    Returns
    -------
    list of Path
        In order of instance number, series by series.

    Raises
    ------
    ValueError
        If the vendor is not known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, image in enumerate(images(simulated, header=header, vendor=vendor), start=1):
        path = folder / f"IM{number:05d}.dcm"
        dcmwrite(path, image, enforce_file_format=True)
        paths.append(path)
    return paths


def images(
    simulated: SimulatedScan, *, header: StudyHeader | None = None, vendor: str | None = None
) -> Iterator[Dataset]:
    """The data sets that :func:`write_dicom` writes; each is valid until the next is asked for.

    Parameters
    ----------
    simulated
        The scan.
    header
        Patient, study and scanner.
    vendor
        One of ``models.simulator.VENDORS``; its scanner takes the place of the header's.

    Raises
    ------
    ValueError
        If the vendor is not known.
    """
    if vendor not in (None, *VENDORS):
        raise ValueError(f"no vendor {vendor!r}; there are {', '.join(VENDORS)}")
    maker = None if vendor is None else VENDORS[vendor]
    told = header or StudyHeader()
    uids = _Uids(simulated, f"{told.salt}|{vendor}" if vendor else told.salt)
    shared = _series(simulated, told, uids)
    if maker is not None:
        _describe_vendor(shared, maker)
    for number, place in _in_order(simulated, told, maker):
        # A copy shares the values: what a vendor takes out of one image stays in the next.
        image = shared if maker is None else _copied(shared)
        uid = uids(f"image {by_frame(place)}")
        _stamp(image, uid, number, place.frame + 1, place.when)
        _place(image, simulated, place.z)
        if maker is not None:
            _by_vendor(image, maker, place, uids)
        stored = simulated.scan.hu[place.frame, place.z] - _INTERCEPT_HU
        image.PixelData = stored.astype("<i2").tobytes()
        yield image


def _in_order(
    simulated: SimulatedScan, told: StudyHeader, maker: Vendor | None
) -> list[tuple[int, Place]]:
    """Every image that arrived, with its Instance Number, as it is sent."""
    frames, slices = simulated.scan.time_s.shape
    number = by_frame if maker is None else maker.number
    numbered = []
    for frame, z in zip(*(~simulated.scan.missing).nonzero(), strict=True):
        when = told.started + timedelta(seconds=float(simulated.scan.time_s[frame, z]))
        place = Place(int(frame), int(z), frames, slices, when, told.started)
        numbered.append((number(place), place))
    each = maker is not None and maker.series_per_frame
    return sorted(numbered, key=lambda pair: (pair[1].frame if each else 0, pair[0]))


def _describe_vendor(shared: Dataset, maker: Vendor) -> None:
    """The maker's equipment and pixels in the place of the simulator's."""
    shared.Manufacturer = maker.manufacturer
    shared.ManufacturerModelName = maker.model
    shared.SoftwareVersions = maker.software
    shared.ConvolutionKernel = maker.kernel
    shared.ImageType = list(maker.image_type)
    if maker.bits == 12:
        # -1024 to 3071 HU are exactly the 4,096 values of twelve bits.
        shared.BitsStored, shared.HighBit, shared.PixelRepresentation = 12, 11, 0


def _copied(shared: Dataset) -> Dataset:
    image = Dataset(shared)
    image.file_meta = shared.file_meta
    return image


def _by_vendor(image: Dataset, maker: Vendor, place: Place, uids: "_Uids") -> None:
    """What the maker writes otherwise."""
    if maker.series_per_frame:
        image.SeriesInstanceUID = uids(f"series {place.frame + 1}")
        image.SeriesNumber = int(image.SeriesNumber) + place.frame
        image.SeriesTime = f"{place.when:%H%M%S.%f}"
    maker.stamp(image, place)


@dataclass(frozen=True)
class _Uids:
    """Makes the same UID for the same name of the same scan (PS3.5 B.2: 2.25 and a UUID)."""

    simulated: SimulatedScan
    salt: str

    def __call__(self, name: str) -> UID:
        scan = self.simulated
        origin = f"{scan.seed}|{scan.acquisition}|{scan.truth.pathology}|{self.salt}|{name}"
        # What a plain scan leaves out counts only where it is there: plain UIDs stay.
        if scan.acquisition.sweep_s > 0:
            origin += f"|sweep {scan.acquisition.sweep_s}"
        if scan.residue is not None or scan.realism != PLAIN:
            origin += f"|{scan.residue}|{scan.realism}"
        return UID(f"2.25.{uuid.uuid5(_NAMESPACE, origin).int}")


def _series(simulated: SimulatedScan, told: StudyHeader, uids: _Uids) -> Dataset:
    """Everything that all images of the series share."""
    shared = Dataset()
    shared.file_meta = FileMetaDataset()
    shared.file_meta.MediaStorageSOPClassUID = CTImageStorage
    shared.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    shared.SpecificCharacterSet = "ISO_IR 192"
    shared.SOPClassUID = CTImageStorage
    _identify(shared, simulated, told, uids)
    _describe_scanner(shared, simulated, told)
    _describe_pixels(shared, simulated)
    return shared


def _identify(shared: Dataset, simulated: SimulatedScan, told: StudyHeader, uids: _Uids) -> None:
    """Patient, study and series."""
    shared.PatientName = told.patient_name
    shared.PatientID = told.patient_id or f"SIM-{simulated.seed}"
    shared.PatientBirthDate = told.birth_date
    shared.PatientSex = told.sex
    shared.StudyInstanceUID = uids("study")
    shared.StudyDate = shared.SeriesDate = f"{told.started:%Y%m%d}"
    shared.StudyTime = shared.SeriesTime = f"{told.started:%H%M%S}"
    shared.StudyID = told.study_id
    shared.AccessionNumber = told.accession_number or f"A{simulated.seed:08d}"
    shared.ReferringPhysicianName = told.referring_physician
    shared.StudyDescription = told.study_description
    shared.SeriesInstanceUID = uids("series")
    shared.SeriesNumber = told.series_number
    shared.SeriesDescription = told.series_description
    shared.Modality = "CT"
    shared.BodyPartExamined = "HEAD"
    shared.PatientPosition = "HFS"
    shared.ProtocolName = "CT perfusion, simulated"
    shared.FrameOfReferenceUID = uids("frame of reference")
    shared.PositionReferenceIndicator = ""


def _describe_scanner(shared: Dataset, simulated: SimulatedScan, told: StudyHeader) -> None:
    """Equipment, exposure and contrast."""
    acquisition = simulated.acquisition
    shared.Manufacturer = told.manufacturer
    shared.ManufacturerModelName = told.model
    shared.StationName = told.station_name
    shared.InstitutionName = told.institution
    shared.SoftwareVersions = "1"
    shared.ImageComments = "Simulated: no patient"
    shared.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    shared.KVP = "80"
    shared.XRayTubeCurrent = max(1, round(190 * acquisition.dose))
    shared.ExposureTime = 1000
    shared.ConvolutionKernel = "SOFT"
    shared.DataCollectionDiameter = "500"
    shared.ReconstructionDiameter = f"{acquisition.rows * acquisition.pixel_mm:.6g}"
    shared.GantryDetectorTilt = "0"
    shared.ContrastBolusAgent = "Iomeprol 400"
    shared.ContrastBolusRoute = "IV"
    shared.ContrastBolusVolume = "40"


def _describe_pixels(shared: Dataset, simulated: SimulatedScan) -> None:
    """Matrix, grid and rescaling."""
    acquisition = simulated.acquisition
    pixel = f"{acquisition.pixel_mm:.8g}"
    shared.SliceThickness = f"{acquisition.thickness_mm:.8g}"
    shared.PixelSpacing = [pixel, pixel]
    shared.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    shared.Rows = shared.Columns = acquisition.rows
    shared.SamplesPerPixel = 1
    shared.PhotometricInterpretation = "MONOCHROME2"
    shared.BitsAllocated = shared.BitsStored = 16
    shared.HighBit = 15
    shared.PixelRepresentation = 1
    shared.RescaleIntercept = str(_INTERCEPT_HU)
    shared.RescaleSlope = "1"
    shared.RescaleType = "HU"
    shared.WindowCenter, shared.WindowWidth = "40", "80"


def _stamp(image: Dataset, uid: UID, number: int, frame: int, when: datetime) -> None:
    """Who this image is and when it was acquired."""
    image.file_meta.MediaStorageSOPInstanceUID = uid
    image.SOPInstanceUID = uid
    image.InstanceNumber = number
    image.AcquisitionNumber = frame
    image.AcquisitionDate = image.ContentDate = f"{when:%Y%m%d}"
    image.AcquisitionTime = image.ContentTime = f"{when:%H%M%S.%f}"
    image.AcquisitionDateTime = f"{when:%Y%m%d%H%M%S.%f}"


def _place(image: Dataset, simulated: SimulatedScan, z: int) -> None:
    """Where this image lies; the patient's frame has the middle of the slab at its origin."""
    acquisition = simulated.acquisition
    corner_mm = -(acquisition.rows - 1) / 2 * acquisition.pixel_mm
    height_mm = (z - (acquisition.slices - 1) / 2) * acquisition.thickness_mm
    image.ImagePositionPatient = [f"{v:.8g}" for v in (corner_mm, corner_mm, height_mm)]
    image.SliceLocation = f"{height_mm:.8g}"
