"""The patient and the study: copied byte for byte from the source, never made (PS3.3 C.7)."""

from copy import deepcopy

from pydicom import Dataset
from pydicom.charset import convert_encodings, default_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag, Tag

PATIENT = (  # C.7.1.1 Patient, C.7.1.3 Clinical Trial Subject
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "TypeOfPatientID",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientSex",
    "QualityControlSubject",
    "OtherPatientIDs",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "EthnicGroup",
    "PatientComments",
    "PatientSpeciesDescription",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
)
STUDY = (  # C.7.2.1 General Study, C.7.2.2 Patient Study, C.7.2.3 Clinical Trial Study
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "StudyID",
    "StudyDescription",
    "ReferringPhysicianName",
    "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName",
    "PhysiciansOfRecord",
    "NameOfPhysiciansReadingStudy",
    "ProcedureCodeSequence",
    "ReasonForPerformedProcedureCodeSequence",
    "ReferencedStudySequence",
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PregnancyStatus",
    "PatientSexNeutered",
    "MedicalAlerts",
    "Allergies",
    "Occupation",
    "SmokingStatus",
    "AdditionalPatientHistory",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ServiceEpisodeID",
    "ClinicalTrialTimePointID",
    "ClinicalTrialTimePointDescription",
)
REQUEST = ("RequestAttributesSequence",)  # C.7.3.1 General Series
COMMON = ("TimezoneOffsetFromUTC",)  # C.12.1: dates of the study are read by it
REQUIRED = (  # Type 2: present, though the source may not know them
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
)
_TEXT_VR = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UT"}
)


def copy_identity(source: Dataset, target: Dataset) -> None:
    """Patient, study and request of ``target`` become the source's, characters and all.

    Text is carried as the very bytes of the source under the source's SpecificCharacterSet:
    what it cannot be decoded to stays what it was, and an absent or wrong character set does
    not garble a name twice. The node's own text is ASCII, part of every character set.
    """
    _copy(source, target, Tag("SpecificCharacterSet"))
    for keyword in (*PATIENT, *STUDY, *REQUEST, *COMMON):
        _copy(source, target, Tag(keyword))
    for keyword in REQUIRED:
        if keyword not in target:
            setattr(target, keyword, "")
    # Tells pydicom to write the raw bytes as they are (Dataset.set_original_encoding).
    charset = source.get("SpecificCharacterSet")
    target.set_original_encoding(
        False, True, convert_encodings(charset) if charset else default_encoding
    )


def _copy(source: Dataset, target: Dataset, tag: BaseTag) -> None:
    if tag in target:
        del target[tag]
    if tag not in source:
        return
    element: object = source.get_item(tag)
    if isinstance(element, RawDataElement):
        vr = element.VR or dictionary_VR(tag)  # implicit VR: no VR on the wire
        if vr in _TEXT_VR and tag != Tag("SpecificCharacterSet"):
            target[tag] = _as_explicit(element, vr)
            return
    target[tag] = deepcopy(source[tag])


def _as_explicit(element: RawDataElement, vr: str) -> RawDataElement:
    """The same bytes, labelled with their VR and of even length."""
    value = element.value or b""
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    return element._replace(
        VR=vr, length=len(value), value=value, is_implicit_VR=False, is_little_endian=True
    )
