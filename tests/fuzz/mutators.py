"""What may be wrong with a header: one change of a file's elements each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from tests.fuzz.part10 import (
    PIXEL_DATA,
    UNDEFINED,
    DataSet,
    Element,
    Fragments,
    Items,
    Part10,
)
from tests.fuzz.values import VRS, absurd, any_bytes, nest, nudged

Change = Callable[[Part10], Part10]
Rewrite = Callable[[Element], tuple[Element, ...]]

# What the node reads (node/series/reading.py, multiframe.py, pixels.py): mutated most.
_READ = (
    *(0x00080005, 0x00080008, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080060),
    *(0x00080022, 0x00080032, 0x00080023, 0x00080033, 0x0008002A, 0x00181060, 0x00541300),
    *(0x00200012, 0x00200013, 0x00200032, 0x00200037, 0x00200052, 0x00280030, 0x00180050),
    *(0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011, 0x00280100, 0x00280101),
    *(0x00280103, 0x00281052, 0x00281053, 0x00280120, 0x00282110, 0x00189074, 0x00189151),
    *(0x00209128, 0x0020930D, 0x00209056, 0x52009229, 0x52009230, 0x00209111, 0x00209113),
    *(0x00209116, 0x00289110, 0x00289145, 0x00200105, 0x00201002, 0x00181210, PIXEL_DATA),
)
_MATRIX = {0x00280010, 0x00280011}
_LENGTHS = (0, 1, 2, 7, 8, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFF0, UNDEFINED)
_TRANSFER_SYNTAXES = (
    *("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"),
    *("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"),
    *("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80"),
    *("1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"),
    *("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"),
    *("1.2.840.10008.1.2.4.100", "", "9.9.9", "CT"),
)


def drawn(files: Sequence[Part10], random: Random) -> Change:
    """A change that means the same in every file that it is made to."""
    return random.choice(_KINDS)(random.choice(files), random)


def rewritten(elements: DataSet, tag: int, rewrite: Rewrite) -> DataSet:
    """The data set with every element of a tag written anew, inside sequences too."""
    made: list[Element] = []
    for element in elements:
        if element.tag == tag:
            made += rewrite(element)
        elif isinstance(element.value, Items):
            items = tuple(rewritten(item, tag, rewrite) for item in element.value.items)
            made.append(element._replace(value=Items(items)))
        else:
            made.append(element)
    return tuple(made)


def _tags(elements: DataSet) -> list[int]:
    """Every tag of a data set, inside sequences too."""
    tags = []
    for element in elements:
        tags.append(element.tag)
        if isinstance(element.value, Items):
            for item in element.value.items[:2]:
                tags += _tags(item)
    return tags


def _target(file: Part10, random: Random) -> int:
    tags = sorted(set(_tags(file.elements)))
    read = [tag for tag in tags if tag in _READ]
    return random.choice(read if read and random.randrange(5) else tags or [PIXEL_DATA])


def _rewriting(tag: int, rewrite: Rewrite) -> Change:
    return lambda file: replace(file, elements=rewritten(file.elements, tag, rewrite))


def _value(file: Part10, random: Random) -> Change:
    """One absurd value in place of each."""
    tag = _target(file, random)
    [first, *_] = _of(file.elements, tag) or [Element(tag, "UN", b"")]
    value = absurd(first, random)
    return _rewriting(tag, lambda e: (e._replace(value=value),))


def _matrix(_: Part10, random: Random) -> Change:
    """Rows and Columns that the pixels may not bear out."""
    sides = (0, 1, 7, 16, 31, 33, 64, 1024, 4096, 20000, 65535)
    values = {tag: random.choice(sides).to_bytes(2, "little") for tag in sorted(_MATRIX)}
    bits = random.choice((None, None, 0, 1, 8, 12, 32, 64)), random.choice((None, 0, 1, 3))
    told = {0x00280100: bits[0], 0x00280002: bits[1]}
    values |= {tag: n.to_bytes(2, "little") for tag, n in told.items() if n is not None}

    def change(file: Part10) -> Part10:
        kept = (e._replace(value=values.get(e.tag, e.value)) for e in file.elements)
        return replace(file, elements=tuple(kept))

    return change


def _values(file: Part10, random: Random) -> Change:
    """Another value in every place where the tag stands."""
    tag = _target(file, random)
    return _rewriting(tag, lambda e: (e._replace(value=absurd(e, random)),))


def _nudge(file: Part10, random: Random) -> Change:
    """Values that are nearly right."""
    tag = _target(file, random)
    return _rewriting(
        tag, lambda e: (e._replace(value=nudged(e, random)) if isinstance(e.value, bytes) else e,)
    )


def _drop(file: Part10, random: Random) -> Change:
    return _rewriting(_target(file, random), lambda _: ())


def _empty(file: Part10, random: Random) -> Change:
    return _rewriting(_target(file, random), lambda e: (e._replace(value=b"", length=None),))


def _twice(file: Part10, random: Random) -> Change:
    value = any_bytes(random)
    return _rewriting(
        _target(file, random),
        lambda e: (e, e._replace(value=value) if isinstance(e.value, bytes) else e),
    )


def _vr(file: Part10, random: Random) -> Change:
    vr = random.choice(VRS)
    return _rewriting(_target(file, random), lambda e: (e._replace(vr=vr),))


def _multiplicity(file: Part10, random: Random) -> Change:
    """More or fewer values than there should be."""
    times = random.choice((0, 2, 3, 50))

    def rewrite(element: Element) -> tuple[Element, ...]:
        if not isinstance(element.value, bytes):
            return (element, element)
        parts = element.value.split(b"\\")
        value = b"\\".join(parts * times) if times else b"\\".join(parts[1:])
        return (element._replace(value=value),)

    return _rewriting(_target(file, random), rewrite)


def _length(file: Part10, random: Random) -> Change:
    """A length that is not the value's."""
    length = random.choice(_LENGTHS)
    return _rewriting(_target(file, random), lambda e: (e._replace(length=length),))


def _order(file: Part10, random: Random) -> Change:
    """An element where it does not belong."""
    tag, place = _target(file, random), random.randrange(0x30)

    def change(file: Part10) -> Part10:
        moved = [e for e in file.elements if e.tag == tag]
        rest = [e for e in file.elements if e.tag != tag]
        return replace(file, elements=(*rest[:place], *moved, *rest[place:]))

    return change


def _private(_: Part10, random: Random) -> Change:
    """A private block, of a known creator or none, with any contents."""
    creator = random.choice((b"GEMS_PARM_01", b"SIEMENS CT VA0 COAD", b"TOSHIBA_MEC_CT3 ", b""))
    group = random.choice((0x0009, 0x0019, 0x0043, 0x7005, 0x0029, 0x7FE1))
    vr, value = random.choice(VRS), any_bytes(random)
    block = [Element(group << 16 | 0x10, "LO", creator), Element(group << 16 | 0x101E, vr, value)]
    return lambda file: replace(
        file, elements=tuple(sorted((*file.elements, *block), key=lambda e: e.tag))
    )


def _nested(_: Part10, random: Random) -> Change:
    """Sequences in sequences, as deep as anybody likes."""
    tag = random.choice((0x00081140, 0x52009229, 0x52009230, 0x00091010))
    deep = nest(tag, random.choice((1, 5, 40, 300, 3000)))
    return lambda file: replace(
        file, elements=tuple(sorted((*file.elements, deep), key=lambda e: e.tag))
    )


def _groups(file: Part10, random: Random) -> Change:
    """Functional groups that lack items, or have some too many, or of another kind."""
    sequences = [tag for tag in _tags(file.elements) if tag >> 16 == 0x5200 or tag in _MACROS]
    tag = random.choice(sequences or [0x52009230])
    how, at, times = random.randrange(5), random.randrange(12), random.choice((2, 40))

    def rewrite(element: Element) -> tuple[Element, ...]:
        if not isinstance(element.value, Items):
            return (element,)
        items = element.value.items
        other = (
            items[:at] + items[at + 1 :],
            (*items[:at], (), *items[at + 1 :]),
            items * times if len(items) < 100 else items,
            items[::-1],
            (),
        )[how]
        return (element._replace(value=Items(other)),)

    return _rewriting(tag, rewrite)


_MACROS = {0x00209111, 0x00209113, 0x00209116, 0x00209310, 0x00289110, 0x00289145, 0x00209171}


def _pixels(_: Part10, random: Random) -> Change:
    """Pixel data short, long, elsewhere, or in the other kind of element."""
    how, at, noise = random.randrange(10), random.randrange(4096), any_bytes(random)

    def rewrite(e: Element) -> tuple[Element, ...]:
        if isinstance(e.value, Fragments):
            return (_of_fragments(e, e.value.parts, how, at, noise),)
        value = e.value if isinstance(e.value, bytes) else b""
        return (
            (e._replace(value=value[:at]),),
            (e._replace(value=value + noise),),
            (e._replace(value=b""),),
            (),
            (e._replace(tag=0x7FE00008, vr="OF"),),
            (e._replace(tag=0x7FE00009, vr="OD"),),
            (e._replace(value=Fragments((b"", value)), vr="OB", length=UNDEFINED),),
            (e._replace(vr="UN"),),
            (e._replace(value=value[: at // 2] + noise + value[at // 2 + len(noise) :]),),
            (Element(0x7FE00001, "OV", noise), e),
        )[how]

    return _rewriting(PIXEL_DATA, rewrite)


def _of_fragments(
    element: Element, parts: tuple[bytes, ...], how: int, at: int, noise: bytes
) -> Element:
    first = at % max(1, len(parts))
    stream = parts[first] if parts else b""
    cut = at % (len(stream) + 1)
    spoilt = stream[:cut] + noise + stream[cut + len(noise) :]
    if how == 9:
        return element._replace(value=b"".join(parts), length=None)
    other = (
        parts[:first] + parts[first + 1 :],
        (*parts[:first], stream[:cut], *parts[first + 1 :]),
        (*parts[:first], spoilt, *parts[first + 1 :]),
        (*parts[:first], stream[:cut], stream[cut:], *parts[first + 1 :]),
        (*parts, noise),
        (noise, *parts[1:]),
        (),
        parts[:1],
        (*parts[:1], *(part[:cut] + noise + part[cut + len(noise) :] for part in parts[1:])),
    )[how]
    return element._replace(value=Fragments(other))


def _lie(_: Part10, random: Random) -> Change:
    """Another transfer syntax named, or really used."""
    uid = random.choice(_TRANSFER_SYNTAXES)
    if uid in _TRANSFER_SYNTAXES[:3] and random.randrange(2):
        return lambda file: file.with_syntax(uid)
    return lambda file: file.declaring(uid)


def _meta(file: Part10, random: Random) -> Change:
    """Damaged file meta information."""
    tag = random.choice([e.tag for e in file.meta])
    value, gone = any_bytes(random), random.randrange(2)
    return lambda file: replace(
        file,
        meta=tuple(
            e._replace(value=value) if e.tag == tag else e
            for e in file.meta
            if not (gone and e.tag == tag)
        ),
    )


def _of(elements: DataSet, tag: int) -> list[Element]:
    """Every element of a tag, inside sequences too."""
    found = []
    for element in elements:
        if element.tag == tag:
            found.append(element)
        if isinstance(element.value, Items):
            for item in element.value.items:
                found += _of(item, tag)
    return found


_KINDS: tuple[Callable[[Part10, Random], Change], ...] = (
    *(_value, _value, _value, _values, _values, _matrix, _matrix, _nudge, _nudge, _nudge),
    *(_drop, _empty, _twice, _vr, _multiplicity, _length, _order, _private, _nested),
    *(_groups, _groups, _pixels, _pixels, _pixels, _lie, _meta),
)
