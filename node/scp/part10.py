"""The head of a Part 10 file: preamble, prefix and file meta (PS3.10 section 7.1)."""

import struct

# UUID-derived (PS3.5 section B.2): one for every version of this implementation.
IMPLEMENTATION_CLASS_UID = "2.25.113850264671630074656366017188756390983"
IMPLEMENTATION_VERSION_NAME = "PERFUSION_NODE_1"

_PREAMBLE = bytes(128) + b"DICM"
# (0002,0001) OB, File Meta Information Version 00 01.
_VERSION = b"\x02\x00\x01\x00OB\0\0" + struct.pack("<I", 2) + b"\x00\x01"


def file_head(
    sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, source_ae_title: str
) -> bytes:
    """What stands before a received data set in its file; file meta is Explicit VR LE.

    The data set follows exactly as it came: nothing of it is encoded anew.
    """
    elements = [
        _VERSION,
        _element(0x0002, b"UI", sop_class_uid),
        _element(0x0003, b"UI", sop_instance_uid),
        _element(0x0010, b"UI", transfer_syntax_uid),
        _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID),
        _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME),
    ]
    if source_ae_title:
        elements.append(_element(0x0016, b"AE", source_ae_title))
    meta = b"".join(elements)
    length = struct.pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(meta))
    return _PREAMBLE + length + meta


def _element(element: int, vr: bytes, text: str) -> bytes:
    value = text.encode("ascii", errors="replace")
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    return struct.pack("<HH2sH", 0x0002, element, vr, len(value)) + value
