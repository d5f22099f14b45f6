"""Which instances of a series are CT images of one geometry."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from node.refusals import Refusal, RefusalCode
from node.series.header import Header, Instance, images_of

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
# Enhanced CT, and Legacy Converted Enhanced CT: many frames in one instance.
ENHANCED_CT = frozenset({"1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"})

# No point of a patient lies farther from any scanner's origin.
_FARTHEST_MM = 1e5


@dataclass(frozen=True)
class Selection:
    """The images to group, and what was left out."""

    images: tuple[Instance, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Sieve:
    """A reason to leave an instance out, and the refusal where nothing else is left."""

    code: RefusalCode
    holds_back: Callable[[Header], bool]
    what: str
    remedy: str


def _dot(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _has_geometry(header: Header) -> bool:
    position, orientation, pixel = header.position_mm, header.orientation, header.pixel_mm
    if position is None or orientation is None or pixel is None:
        return False
    if max(map(abs, position)) > _FARTHEST_MM or not 0.01 < min(pixel) <= max(pixel) < 100:
        return False
    row, column = orientation[:3], orientation[3:]
    return (
        abs(_dot(row, row) - 1) < 0.01
        and abs(_dot(column, column) - 1) < 0.01
        and abs(_dot(row, column)) < 0.01
    )


def _is_derived(header: Header) -> bool:
    """Whether an image was computed from others.

    Lossy compression makes an original DERIVED as well, but PRIMARY still (PS3.3 C.7.6.1.1.2).
    """
    pixels, examination = (*header.image_type, "", "")[:2]
    return pixels == "DERIVED" and not (header.lossy and examination == "PRIMARY")


_DERIVED = _Sieve(
    RefusalCode.DERIVED,
    _is_derived,
    "derived image(s)",
    "Send the original images, or set analysis.accept_derived.",
)
_SIEVES = (
    _Sieve(
        RefusalCode.NOT_CT,
        lambda h: (
            h.sop_class_uid not in {CT_IMAGE_STORAGE, *ENHANCED_CT} or h.modality not in {"CT", ""}
        ),
        "instance(s) that are no CT images",
        "Send CT images (CT Image Storage).",
    ),
    _Sieve(
        RefusalCode.NO_PIXELS,
        lambda h: not (h.has_pixels and h.rows and h.columns),
        "instance(s) without pixel data",
        "Send the images with their pixel data.",
    ),
    _Sieve(
        RefusalCode.LOCALIZER,
        lambda h: "LOCALIZER" in h.image_type,
        "localizer(s)",
        "Nothing: a localizer is never analysed.",
    ),
    _DERIVED,
    _Sieve(
        RefusalCode.NO_GEOMETRY,
        lambda h: not _has_geometry(h),
        "image(s) without a valid position, orientation or pixel spacing",
        "Send the images with ImagePositionPatient, ImageOrientationPatient and PixelSpacing.",
    ),
)


def is_slice(header: Header) -> bool:
    """Whether the instance is a CT slice that may belong to a perfusion series."""
    return not any(s.holds_back(header) for s in _SIEVES if s is not _DERIVED)


def select(instances: Iterable[Instance], *, accept_derived: bool) -> Selection | Refusal:
    """The CT images of the series' largest geometry, sorted by SOP Instance UID.

    A Refusal names the first reason that left nothing over.
    """
    images, notes = _distinct(instances)
    for sieve in _SIEVES:
        if sieve is _DERIVED and accept_derived:
            continue
        held = sum(map(sieve.holds_back, (i.header for i in images)))
        if held == len(images):
            found = f"{held} {sieve.what}" if held else "no instance at all"
            return Refusal(sieve.code, found=f"the series holds {found}", remedy=sieve.remedy)
        if held:
            notes.append(f"{held} {sieve.what} left out")
            images = [i for i in images if not sieve.holds_back(i.header)]
    largest = _largest_geometry(images)
    if len(largest) < len(images):
        notes.append(f"{len(images) - len(largest)} image(s) of another geometry left out")
    stacked = _one_stack_each(largest)
    if len(stacked) < len(largest):
        notes.append(f"{len(largest) - len(stacked)} frame(s) of another stack left out")
    return Selection(tuple(stacked), tuple(notes))


def same_geometry(one: Header, other: Header) -> bool:
    """Whether two images share frame of reference, matrix, kernel, spacing and orientation."""
    return _same(_geometry_key(one), _geometry_key(other))


def _distinct(instances: Iterable[Instance]) -> tuple[list[Instance], list[str]]:
    """The images of one instance for each SOP Instance UID, whatever order they came in."""
    ordered = sorted(instances, key=lambda i: (i.header.sop_instance_uid, str(i.path)))
    once = {i.header.sop_instance_uid: i for i in reversed(ordered)}
    twice = len(ordered) - len(once)
    notes = [f"{twice} duplicate instance(s) left out"] if twice else []
    return images_of(once[uid] for uid in sorted(once)), notes


_Key = tuple[tuple[str, int, int, str], tuple[float, ...], tuple[float, ...]]


def _geometry_key(header: Header) -> _Key:
    """What images of one geometry share exactly, to 1e-3 mm, and to 1e-4 of a cosine."""
    exactly = (header.frame_of_reference_uid, header.rows, header.columns, header.kernel)
    pixel, orientation = header.pixel_mm or (), header.orientation or ()
    return exactly, (*pixel, header.slice_thickness_mm or 0.0), orientation


def _largest_geometry(images: Sequence[Instance]) -> list[Instance]:
    """The images of the geometry that most of them share."""
    keys = [_geometry_key(i.header) for i in images]
    leader: dict[_Key, _Key] = {}
    leaders: list[_Key] = []
    for key in sorted(set(keys)):
        leader[key] = next((other for other in leaders if _same(key, other)), key)
        if leader[key] is key:
            leaders.append(key)
    members = Counter(leader[key] for key in keys)
    most = max(members, key=lambda key: (members[key], key))
    return [i for i, key in zip(images, keys, strict=True) if leader[key] == most]


def _one_stack_each(images: list[Instance]) -> list[Instance]:
    """Images of which no two stacks (StackID) show the same places.

    The slabs of a shuttle are stacks side by side and belong together; two stacks at the same
    places show the scan twice, such as at two energies, and the larger one is taken.
    """
    places: dict[str, set[tuple[float, ...]]] = {}
    for h in (i.header for i in images):
        rounded = tuple(round(value, 1) for value in h.position_mm or ())
        places.setdefault(h.stack_id, set()).add(rounded)
    if len(places) == 1 or len(set.union(*places.values())) == sum(map(len, places.values())):
        return images
    counts = Counter(i.header.stack_id for i in images)
    largest = max(counts, key=lambda stack: (counts[stack], stack))
    return [i for i in images if i.header.stack_id == largest]


def _same(key: _Key, other: _Key) -> bool:
    # Plain Python: a series whose images all differ, a radial one, makes a pair of every two.
    return (
        key[0] == other[0]
        and _near(key[1], other[1], within=1e-3)
        and _near(key[2], other[2], within=1e-4)
    )


def _near(some: tuple[float, ...], others: tuple[float, ...], *, within: float) -> bool:
    return len(some) == len(others) and all(
        abs(one - other) <= within for one, other in zip(some, others, strict=True)
    )
