"""Which earlier results are not to be read any more: a Key Object Selection (IHE RAD IOCM)."""

from collections.abc import Sequence

import highdicom as hd
from pydicom import Dataset
from pydicom.uid import KeyObjectSelectionDocumentStorage

from node.derived import codes, uids
from node.derived.bundle import DerivedObject, EarlierResult, EncodeOptions
from node.derived.context import Context, SeriesPlan, strip_image
from node.derived.functional_groups import plain
from node.derived.image_library import Reference, evidence
from node.derived.observer import device_observer

PLAN = SeriesPlan("rejection note", 15, "CTP superseded results", "KO")
_TITLES = {
    "quality": codes.REJECTED_FOR_QUALITY,
    "safety": codes.REJECTED_FOR_SAFETY,
}
_NO_IMAGES = ("report",)


def rejection_notes(source: Dataset, options: EncodeOptions) -> list[DerivedObject]:
    """The note that rejects what earlier revisions brought to an archive, where one is due.

    An archive that takes part in Imaging Object Change Management hides or marks what it
    names; for others it is a list of key objects, and harmless.

    Parameters
    ----------
    source
        One instance of the series that was analysed again.
    options
        With the earlier results, the reason for their rejection, and the kinds that are wanted.
    """
    rejected = [e for e in options.supersedes if e.delivered and e.kind != "rejection_note"]
    if "rejection_note" not in options.kinds or not rejected:
        return []
    seed = (str(source.SeriesInstanceUID), options.revision, options.rejection_reason)
    named = uids.Uids(options.uid_root, "\n".join(map(str, (*seed, *rejected))))
    return [DerivedObject("rejection_note", _note(Context(source, options, named), rejected))]


def _note(context: Context, rejected: Sequence[EarlierResult]) -> Dataset:
    note = context.new_instance(KeyObjectSelectionDocumentStorage, PLAN, 1)
    strip_image(note)
    note.ReferencedPerformedProcedureStepSequence = []
    references = [
        Reference(e.series_instance_uid, e.sop_class_uid, e.sop_instance_uid) for e in rejected
    ]
    note.CurrentRequestedProcedureEvidenceSequence = [
        evidence(str(note.StudyInstanceUID), references)
    ]
    tree = hd.ko.KeyObjectSelection(
        document_title=_TITLES[context.options.rejection_reason],
        referenced_objects=[_object(e) for e in rejected],
        observer_device_context=device_observer(context),
        description=f"Replaced by revision {context.options.revision} of the analysis",
    )
    note.update(plain(tree[0]))
    return note


def _object(earlier: EarlierResult) -> Dataset:
    """What highdicom looks at to refer to an object: its UIDs, and whether it is an image."""
    dataset = Dataset()
    dataset.SOPClassUID = earlier.sop_class_uid
    dataset.SOPInstanceUID = earlier.sop_instance_uid
    if earlier.kind not in _NO_IMAGES:
        dataset.Rows = dataset.Columns = 1
    return dataset
