"""What every result object says of its patient, series, equipment and dates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import UID, ExplicitVRLittleEndian

from node.derived import codes
from node.derived.bundle import EncodeOptions
from node.derived.identity import copy_identity
from node.derived.uids import Uids
from node.perfusion import Estimator

MANUFACTURER = "Perfusion Node"
PRODUCT = "perfusion-node"
CREATOR = "Perfusion^Node"
DISCLAIMER = "NOT FOR DIAGNOSTIC USE"
# As the listener's and the sender's: one implementation, one identity (PS3.10 7.1).
IMPLEMENTATION_CLASS_UID = UID("2.25.113850264671630074656366017188756390983")
IMPLEMENTATION_VERSION_NAME = "PERFUSION_NODE_1"
_SCANNER = (
    "Manufacturer",
    "InstitutionName",
    "StationName",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
)
_ASCII = {0x2212: "-", 0x2013: "-", 0x2014: "-", 0x2265: ">=", 0x2264: "<=", 0xB0: " degrees"}
_LOSSY = ("LossyImageCompressionRatio", "LossyImageCompressionMethod")
_OF_IMAGES = ("ImageComments", "BodyPartExamined", "LossyImageCompression", *_LOSSY)


@dataclass(frozen=True)
class SeriesPlan:
    """One result series.

    Parameters
    ----------
    key
        Tells its UIDs from those of the other series.
    offset
        Its place in the block of series numbers.
    description
        SeriesDescription, without the note on revisions.
    modality
        Of the series: CT for what shows the scan's own data.
    """

    key: str
    offset: int
    description: str
    modality: str = "CT"


@dataclass(frozen=True, eq=False)
class Context:
    """What all objects of one result share.

    Parameters
    ----------
    source
        One source instance: patient, study and scanner.
    options
        How results are encoded.
    uids
        The maker of UIDs.
    estimator
        What computed the maps; None where there are none.
    notes
        What a reader must know, for the comments of every image.
    """

    source: Dataset
    options: EncodeOptions
    uids: Uids
    estimator: Estimator | None = None
    notes: tuple[str, ...] = ()
    _headers: dict[SeriesPlan, Dataset] = field(default_factory=dict, init=False, repr=False)

    @property
    def created(self) -> datetime:
        """When the result was made, in the source's time zone where both know theirs."""
        offset = str(self.source.get("TimezoneOffsetFromUTC") or "")
        if self.options.created.tzinfo is None or len(offset) != 5:
            return self.options.created
        minutes = int(offset[0] + "1") * (int(offset[1:3]) * 60 + int(offset[3:]))
        return self.options.created.astimezone(timezone(timedelta(minutes=minutes)))

    @property
    def revision_note(self) -> str:
        """What a result that supersedes another says; empty for the first."""
        revision = self.options.revision
        return f"revision {revision}, supersedes revision {revision - 1}" if revision > 1 else ""

    def series_uid(self, plan: SeriesPlan) -> UID:
        """Series Instance UID of a planned series."""
        return self.uids.make("series", plan.key)

    def instance_uid(self, plan: SeriesPlan, number: int) -> UID:
        """SOP Instance UID of the ``number``-th instance (from 1) of a planned series."""
        return self.uids.make("instance", plan.key, number)

    def new_instance(self, sop_class: UID, plan: SeriesPlan, number: int) -> Dataset:
        """A dataset with everything but its image, the ``number``-th of its series."""
        dataset = self._header(plan)
        dataset.SOPClassUID = sop_class
        self.number(dataset, plan, number)
        return dataset

    def number(self, dataset: Dataset, plan: SeriesPlan, number: int) -> None:
        """Make it the ``number``-th instance (from 1) of its series."""
        dataset.SOPInstanceUID = self.instance_uid(plan, number)
        dataset.InstanceNumber = number
        dataset.file_meta = _file_meta(dataset)

    def _stamp(self, dataset: Dataset, plan: SeriesPlan) -> None:
        """Identity, series, equipment and dates."""
        copy_identity(self.source, dataset)
        self._describe_series(dataset, plan)
        self._name_equipment(dataset)
        self._date(dataset)
        lossy = str(self.source.get("LossyImageCompression") or "00")
        dataset.LossyImageCompression = lossy
        if lossy == "01":  # once lossy, always lossy (PS3.3 C.7.6.1.1.5)
            _copy_known(self.source, dataset, _LOSSY)

    def seal(self, dataset: Dataset, plan: SeriesPlan) -> None:
        """Stamp an object that highdicom made: it reads the clock and draws UIDs.

        After this its bytes depend on the input alone.
        """
        self._stamp(dataset, plan)
        dataset.file_meta = _file_meta(dataset)

    def _header(self, plan: SeriesPlan) -> Dataset:
        """A copy of what the instances of a series share, which is made once.

        Its sequences are the same objects in every instance; nobody changes them.
        """
        if plan not in self._headers:
            shared = Dataset()
            shared.SeriesInstanceUID = self.series_uid(plan)
            shared.ImageComments = ascii_text(". ".join(self._comments()))[:10240]
            self._stamp(shared, plan)
            self._headers[plan] = shared
        return alike(self._headers[plan])

    def _comments(self) -> Sequence[str]:
        model = self.estimator
        named = (f"Model {model.name} {model.version}, sha256 {model.sha256}",) if model else ()
        revision = (self.revision_note.capitalize(),) if self.revision_note else ()
        return (DISCLAIMER.capitalize(), *named, *revision, *self.notes)

    def _describe_series(self, dataset: Dataset, plan: SeriesPlan) -> None:
        note = f" ({self.revision_note})" if self.revision_note else ""
        dataset.SeriesNumber = self.options.series_number + plan.offset
        dataset.SeriesDescription = ascii_text(plan.description + note)[:64]
        dataset.Modality = plan.modality
        dataset.BodyPartExamined = "HEAD"  # unpaired: no Laterality is asked for

    def _name_equipment(self, dataset: Dataset) -> None:
        dataset.Manufacturer = MANUFACTURER
        dataset.ManufacturerModelName = PRODUCT
        dataset.SoftwareVersions = self.software_versions
        dataset.DeviceSerialNumber = self.serial_number
        dataset.ContributingEquipmentSequence = [self._scanner(), self._processor()]
        _copy_known(self.source, dataset, ("InstitutionName",))

    @property
    def software_versions(self) -> list[str]:
        """SoftwareVersions: the node's, then the model's."""
        node = f"{PRODUCT} {self.options.software_version}"
        model = self.estimator
        versions = [node, f"{model.name} {model.version}"] if model else [node]
        return [ascii_text(v)[:64] for v in versions]

    @property
    def serial_number(self) -> str:
        """DeviceSerialNumber: software has none, its model's digest tells it from others."""
        return self.estimator.sha256[:32] if self.estimator else PRODUCT

    def _scanner(self) -> Dataset:
        item = Dataset()
        item.PurposeOfReferenceCodeSequence = [concept(codes.ACQUISITION_EQUIPMENT)]
        item.Manufacturer = "Unknown"  # Type 1 here, Type 2 in the source
        _copy_known(self.source, item, _SCANNER)
        return item

    def _processor(self) -> Dataset:
        item = Dataset()
        item.PurposeOfReferenceCodeSequence = [concept(codes.PROCESSING_EQUIPMENT)]
        item.Manufacturer = MANUFACTURER
        item.ManufacturerModelName = PRODUCT
        item.SoftwareVersions = self.software_versions
        item.ContributionDateTime = self.created.strftime("%Y%m%d%H%M%S.%f")
        item.ContributionDescription = "CT perfusion analysis"
        return item

    def _date(self, dataset: Dataset) -> None:
        date, time = self.created.strftime("%Y%m%d"), self.created.strftime("%H%M%S.%f")
        for what in ("Series", "Content", "InstanceCreation"):
            setattr(dataset, f"{what}Date", date)
            setattr(dataset, f"{what}Time", time)


def alike(header: Dataset) -> Dataset:
    """A data set with elements of its own that have the same values.

    What is set in it changes nothing in the other, unless a value or an item of a sequence is
    itself changed. Several times faster than to set them one by one.
    """
    made = Dataset({element.tag: _twin(element) for element in header.elements()})
    made.set_original_encoding(False, True, header.original_character_set)
    return made


def _twin(element: DataElement | RawDataElement) -> DataElement | RawDataElement:
    if isinstance(element, RawDataElement):  # cannot be changed
        return element
    twin = DataElement.__new__(type(element))
    vars(twin).update(vars(element))
    return twin


def strip_image(document: Dataset) -> None:
    """Take away what a new instance has and a document has not."""
    for keyword in _OF_IMAGES:
        if keyword in document:
            del document[keyword]


def concept(code: Code) -> Dataset:
    """A code sequence item."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def ascii_text(text: str) -> str:
    """Text that every character set can write; units and dashes keep a readable form."""
    plain = text.translate(_ASCII)
    return plain.encode("ascii", "replace").decode("ascii").replace("\\", "/").replace("~", "-")


def _copy_known(source: Dataset, target: Dataset, keywords: Sequence[str]) -> None:
    for keyword in keywords:
        if source.get(keyword) not in (None, ""):
            setattr(target, keyword, source.get(keyword))


def _file_meta(dataset: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return meta
