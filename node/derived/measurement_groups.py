"""The numbers of a report, as the measurement groups of TID 1500 (PS3.16 TID 1411 and 1501)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import highdicom as hd
from highdicom.sr import RelationshipTypeValues as Relation
from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import ParametricMapStorage

from node.derived import codes, parametric_map
from node.derived.context import MANUFACTURER, Context, ascii_text
from node.derived.segmentation import BRAIN, CORE, HYPOPERFUSION
from node.perfusion import Findings, Quantity

DECIMALS = 2  # of every number: 0.01 ml is a voxel or two
_Group = (
    hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations
    | hd.sr.MeasurementsAndQualitativeEvaluations
)


def measurement_groups(
    context: Context, findings: Findings, background: Dataset, segmentation: Dataset
) -> list[_Group]:
    """Core, hypoperfusion, brain, mismatch, normal tissue and the threshold table.

    Parameters
    ----------
    context, findings
        Whose numbers, and the numbers.
    background
        An image of the series that the segments lie on.
    segmentation
        The segments that were measured.
    """
    groups = _Groups(context, findings, background, segmentation)
    made: list[_Group] = [groups.core(), groups.hypoperfusion(), groups.brain(), groups.mismatch()]
    if findings.lesion.normal_cbf > 0:
        made.append(groups.normal_tissue())
    return [*made, *groups.threshold_table()]


@dataclass(frozen=True, eq=False)
class _Groups:
    context: Context
    findings: Findings
    background: Dataset
    segmentation: Dataset

    def core(self) -> _Group:
        lesion = self.findings.lesion
        between = lesion.range_ml.core_ml if lesion.range_ml else None
        return self._of_segment(CORE, [_volume(lesion.core_ml, between)])

    def hypoperfusion(self) -> _Group:
        lesion = self.findings.lesion
        between = lesion.range_ml.hypoperfusion_ml if lesion.range_ml else None
        measured = [_volume(lesion.hypoperfusion_ml, between)]
        if (ratio := lesion.hypoperfusion_intensity_ratio) is not None:
            measured.append(_measurement(codes.INTENSITY_RATIO, ratio, codes.RATIO))
        return self._of_segment(HYPOPERFUSION, measured)

    def brain(self) -> _Group:
        maps = self.findings.maps
        return self._of_segment(BRAIN, [_volume(float(maps.brain.sum()) * maps.voxel_ml)])

    def mismatch(self) -> _Group:
        lesion = self.findings.lesion
        measured = [_measurement(codes.VOLUME, lesion.mismatch_ml, codes.MILLILITER)]
        if (ratio := lesion.mismatch_ratio) is not None:
            measured.append(_measurement(codes.MISMATCH_RATIO, ratio, codes.RATIO))
        return self._of_maps("Mismatch", measured, (Quantity.TMAX, Quantity.CBF), codes.PENUMBRA)

    def normal_tissue(self) -> _Group:
        name, unit = codes.quantity(Quantity.CBF), codes.unit(Quantity.CBF)
        value = round(self.findings.lesion.normal_cbf, DECIMALS)
        measured = hd.sr.Measurement(name, value, unit, derivation=codes.MEAN)
        return self._of_maps("Normal tissue", [measured], (Quantity.CBF,), codes.NORMAL)

    def threshold_table(self) -> list[_Group]:
        lesion = self.findings.lesion
        late = {codes.tmax_above(s): ml for s, ml in lesion.tmax_above_ml.items()}
        low = {codes.cbf_below(r): ml for r, ml in lesion.rcbf_below_ml.items()}
        tables: Mapping[str, tuple[Mapping[Code, float], tuple[Quantity, ...]]] = {
            "Volumes by Tmax": (late, (Quantity.TMAX,)),
            "Volumes by CBF inside the hypoperfusion": (low, (Quantity.CBF, Quantity.TMAX)),
        }
        return [
            self._of_maps(
                label, [_measurement(c, ml, codes.MILLILITER) for c, ml in rows.items()], maps
            )
            for label, (rows, maps) in tables.items()
            if rows
        ]

    def _of_segment(self, number: int, measured: Sequence[hd.sr.Measurement]) -> _Group:
        """Measurements of a segment, which its tracking identifier ties to the Segmentation."""
        segment = self.segmentation.SegmentSequence[number - 1]
        whole = self.background.SeriesInstanceUID
        return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(segment.TrackingUID, segment.TrackingID),
            referenced_segment=hd.sr.ReferencedSegment(
                self.segmentation.SOPClassUID,
                self.segmentation.SOPInstanceUID,
                number,
                source_series=hd.sr.SourceSeriesForSegmentation(whole),
            ),
            finding_category=_code(segment.SegmentedPropertyCategoryCodeSequence),
            finding_type=_code(segment.SegmentedPropertyTypeCodeSequence),
            finding_sites=[hd.sr.FindingSite(codes.BRAIN)],
            algorithm_id=self._algorithm,
            measurements=measured,
        )

    def _of_maps(
        self,
        label: str,
        measured: Sequence[hd.sr.Measurement],
        maps: Sequence[Quantity],
        finding: Code | None = None,
    ) -> _Group:
        """Measurements of the Parametric Maps, without a segment of their own."""
        uid = self.context.uids.make("tracking", label)
        instances = [parametric_map.instance_uid(self.context, quantity) for quantity in maps]
        return hd.sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=hd.sr.TrackingIdentifier(uid, label),
            finding_type=finding,
            finding_sites=[hd.sr.FindingSite(codes.BRAIN)],
            algorithm_id=self._algorithm,
            measurements=measured,
            source_images=[
                hd.sr.SourceImageForMeasurementGroup(ParametricMapStorage, i) for i in instances
            ],
        )

    @cached_property
    def _algorithm(self) -> hd.sr.AlgorithmIdentification:
        """The network, with everything that its numbers depend on (TID 4019)."""
        model, limits = self.findings.maps.estimator, self.findings.lesion.thresholds
        return hd.sr.AlgorithmIdentification(
            name=ascii_text(model.name),
            version=ascii_text(model.version),
            manufacturer=MANUFACTURER,
            family=codes.ARTIFICIAL_INTELLIGENCE,
            parameters=[
                f"sha256={model.sha256}",
                f"tmax_s={limits.tmax_s:g}",
                f"rcbf={limits.rcbf:g}",
                f"min_lesion_ml={limits.min_lesion_ml:g}",
                f"software={ascii_text(self.context.software_versions[0])}",
            ],
        )


def _volume(ml: float, between: tuple[float, float] | None = None) -> hd.sr.Measurement:
    """A volume by counting voxels, with how much less and more it may be where that is known."""
    properties = None
    if between is not None:
        properties = hd.sr.MeasurementProperties()
        apart = {codes.UNCERTAINTY_ABOVE: between[1] - ml, codes.UNCERTAINTY_BELOW: ml - between[0]}
        for name, value in apart.items():  # TID 310 wants the unit of the volume
            properties.append(
                hd.sr.NumContentItem(
                    name,
                    round(value, DECIMALS),
                    codes.MILLILITER,
                    relationship_type=Relation.HAS_PROPERTIES,
                )
            )
    return hd.sr.Measurement(
        codes.VOLUME,
        round(ml, DECIMALS),
        codes.MILLILITER,
        method=codes.VOXELS_SUMMED,
        properties=properties,
    )


def _measurement(name: Code, value: float, unit: Code) -> hd.sr.Measurement:
    return hd.sr.Measurement(name, round(value, DECIMALS), unit)


def _code(sequence: Sequence[Dataset]) -> Code:
    item = sequence[0]
    return Code(item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning)
