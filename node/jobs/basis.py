"""What the analysis of a series is made from, as registry and settings have it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from node.derived import EarlierResult
from node.ports import DeliveryState, Model, Quota, SeriesRecord
from node.refusals import Refusal, RefusalCode
from node.route import AnalyseOptions
from node.series import Instance, Rule
from node.wiring import Node

_TAKEN = (DeliveryState.STORED, DeliveryState.WARNING)


@dataclass(frozen=True, eq=False)
class Basis:
    """Everything that an analysis depends on.

    Parameters
    ----------
    images
        The images of the series.
    model
        The network.
    options
        Limits, thresholds and encoding.
    rule
        What the site's rules say of the series; None where they do not speak of it.
    """

    images: Sequence[Instance]
    model: Model
    options: AnalyseOptions
    rule: Rule | None

    def shows_the_same_as(self, other: "Basis") -> bool:
        """Whether the same is found in both, however it is written then.

        What lies in the spool under a name never changes, so that equal headers and paths are
        equal images.
        """
        alike = replace(self.options, encode=other.options.encode) == other.options
        return alike and self.model is other.model and list(self.images) == list(other.images)


def basis_of(node: Node, series_instance_uid: str, revision: int, created: datetime) -> Basis:
    """The basis of a revision's analysis.

    Raises
    ------
    InferenceError
        If the network that a rule names cannot be loaded.
    """
    record = node.registry.series(series_instance_uid)
    images, peer = node.registry.instances(series_instance_uid), record.calling_ae_title
    rule = node.rule((image.header for image in images), peer)
    options = node.options(revision, created, _earlier(record, revision), peer)
    model = node.model_at(rule.model if rule else None)
    return Basis(images, model, replace(options, too_large=_too_large(node, record)), rule)


def _too_large(node: Node, record: SeriesRecord) -> Refusal | None:
    """Why a series is refused of which images were turned away, and still would be."""
    quota = Quota.of(node.settings.scp)
    if not (why := quota.exceeded(record.asked_images, record.asked_bytes)):
        return None
    return Refusal(
        RefusalCode.TOO_LARGE,
        found=f"the series is too large: {why}; {record.instances} images were kept",
        remedy="Send the perfusion series by itself; or raise scp.max_series_images or "
        "scp.max_series_gib and send it again.",
    )


def _earlier(record: SeriesRecord, revision: int) -> list[EarlierResult]:
    """What an analysis replaces: the results of every revision before."""
    taken = {d.sop_instance_uid for d in record.deliveries if d.state in _TAKEN}
    return [
        EarlierResult(
            kind=r.kind,
            revision=r.revision,
            sop_class_uid=r.sop_class_uid,
            series_instance_uid=r.series_instance_uid,
            sop_instance_uid=r.sop_instance_uid,
            delivered=r.sop_instance_uid in taken,
        )
        for r in record.results
        if r.revision < revision
    ]
