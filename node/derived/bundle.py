"""What goes back to the PACS, as nouns."""

from dataclasses import dataclass
from typing import Literal

from pydicom import Dataset

ObjectKind = Literal["background", "colour", "segmentation", "parametric_map", "refusal_page"]


@dataclass(frozen=True, eq=False)
class DerivedObject:
    """One instance to send.

    Parameters
    ----------
    kind
        Which switch of a destination's ``results`` it belongs to.
    dataset
        The whole instance with ``file_meta``.
    """

    kind: ObjectKind
    dataset: Dataset

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID of the object."""
        return str(self.dataset.SOPInstanceUID)
