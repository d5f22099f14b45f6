"""The numbers as a structured report: a TID 1500 Comprehensive SR (PS3.3 A.35.3)."""

from collections.abc import Sequence

import highdicom as hd
from highdicom.sr import CodedConcept
from highdicom.sr import RelationshipTypeValues as Relation
from pydicom import Dataset
from pydicom.uid import ComprehensiveSRStorage, ParametricMapStorage

from node.derived import codes, parametric_map
from node.derived.bundle import EarlierResult, EncodeOptions
from node.derived.context import (
    DISCLAIMER,
    MANUFACTURER,
    Context,
    SeriesPlan,
    ascii_text,
    strip_image,
)
from node.derived.functional_groups import plain
from node.derived.image_library import Reference, evidence, image_library, source_references
from node.derived.measurement_groups import measurement_groups
from node.derived.observer import device_observer
from node.perfusion import Findings, QualityCheck, raised
from node.series import CtpSeries, Geometry

PLAN = SeriesPlan("report", 13, "CTP report", "SR")


def report(
    context: Context,
    series: CtpSeries,
    geometry: Geometry,
    findings: Findings,
    background: Sequence[Dataset],
    segmentation: Dataset,
) -> Dataset:
    """One report: volumes, ratios, threshold table, checks, and what they were made from.

    The tree is built of highdicom's templates; its document class, which copies and searches
    the tree again for the evidence, would take five times as long for 480 source images.

    Parameters
    ----------
    context, findings
        Whose numbers, and the numbers.
    series
        The source.
    geometry, background
        The background CT and where its slices lie.
    segmentation
        The segments that were measured.
    """
    dataset = context.new_instance(ComprehensiveSRStorage, PLAN, 1)
    strip_image(dataset)
    dataset.CodingSchemeIdentificationSequence = [_scheme()]
    dataset.CompletionFlag = "COMPLETE"
    dataset.VerificationFlag = "UNVERIFIED"
    dataset.PreliminaryFlag = "PRELIMINARY"
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    study = str(dataset.StudyInstanceUID)
    made = [*map(Reference.to, (*background, segmentation)), *_maps(context)]
    dataset.CurrentRequestedProcedureEvidenceSequence = [
        evidence(study, (*made, *source_references(series)))
    ]
    if (last := _last_report(context.options)) is not None:
        earlier = Reference(last.series_instance_uid, ComprehensiveSRStorage, last.sop_instance_uid)
        dataset.PredecessorDocumentsSequence = [evidence(study, [earlier])]
    dataset.update(_content(context, series, geometry, findings, background, segmentation))
    return dataset


def _content(
    context: Context,
    series: CtpSeries,
    geometry: Geometry,
    findings: Findings,
    background: Sequence[Dataset],
    segmentation: Dataset,
) -> Dataset:
    """The tree, from the disclaimer to the checks (PS3.16 TID 1500)."""
    tree = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(
            observer_device_context=device_observer(context)
        ),
        procedure_reported=codes.PERFUSION_CT,
        imaging_measurements=measurement_groups(context, findings, background[0], segmentation),
        language_of_content_item_and_descendants=hd.sr.LanguageOfContentItemAndDescendants(
            CodedConcept.from_code(codes.ENGLISH)
        ),
    )
    items = tree[0].ContentSequence
    measurements = items.pop()
    items.extend(_comments(context))
    items.append(image_library(series, geometry, background))
    items.append(measurements)
    items.append(_quality(findings.checks))
    return plain(tree[0])


def _last_report(options: EncodeOptions) -> EarlierResult | None:
    """The report that this one replaces, if any revision before had one."""
    reports = [each for each in options.supersedes if each.kind == "report"]
    return max(reports, key=lambda each: each.revision, default=None)


def _comments(context: Context) -> list[hd.sr.TextContentItem]:
    said = (f"{DISCLAIMER}. Not verified by a person.", context.revision_note.capitalize())
    return [_text(words, Relation.CONTAINS) for words in said if words]


def _quality(checks: Sequence[QualityCheck]) -> hd.sr.ContainerContentItem:
    """Every check with its grade, its number and its threshold; that no flag is, is said first."""
    group = hd.sr.ContainerContentItem(codes.EVALUATIONS, relationship_type=Relation.CONTAINS)
    group.ContentSequence = hd.sr.ContentSequence()
    if not raised(checks):
        group.ContentSequence.append(
            hd.sr.CodeContentItem(codes.QUALITY_FLAGS, codes.NONE, Relation.CONTAINS)
        )
    for check in checks:
        name, grade = codes.check(check), codes.grade(check.grade)
        item = hd.sr.CodeContentItem(name, grade, Relation.CONTAINS)
        words = _text(check.found, Relation.HAS_PROPERTIES)
        item.ContentSequence = hd.sr.ContentSequence([words])
        group.ContentSequence.append(item)
    return group


def _text(words: str, relation: Relation) -> hd.sr.TextContentItem:
    return hd.sr.TextContentItem(codes.COMMENT, ascii_text(words), relation)


def _maps(context: Context) -> list[Reference]:
    """The Parametric Maps, whether or not they are made."""
    return [
        Reference(
            context.series_uid(plan),
            ParametricMapStorage,
            parametric_map.instance_uid(context, quantity),
        )
        for quantity, plan in parametric_map.PLANS.items()
    ]


def _scheme() -> Dataset:
    """What the codes without a standard one belong to (PS3.3 C.12.1.1.1)."""
    item = Dataset()
    item.CodingSchemeDesignator = codes.SCHEME
    item.CodingSchemeName = codes.SCHEME_NAME
    item.CodingSchemeResponsibleOrganization = MANUFACTURER
    return item
