"""What a server reports of each object it was sent: Store Instances Response (PS3.18 Annex I)."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# Tags of Table I.1-1, as DICOM JSON and DICOM XML name them.
_FAILED, _REFERENCED = "00081198", "00081199"
_SEQUENCES = (_FAILED, _REFERENCED)
_UID, _WARNING_REASON, _FAILURE_REASON = "00081155", "00081196", "00081197"

Item = dict[str, str]
"""An item of a sequence: tag and first value, those of other items left out."""


@dataclass(frozen=True)
class Report:
    """The objects that a response names.

    Parameters
    ----------
    stored
        UIDs of the objects that are stored, each with its Warning Reason or None.
    failed
        UIDs of those that are not, each with its Failure Reason or None.
    """

    stored: dict[str, int | None] = field(default_factory=dict)
    failed: dict[str, int | None] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether it names none."""
        return not self.stored and not self.failed


def read_report(media_type: str, body: bytes) -> Report:
    """What a response's body reports; empty where it is none, whatever it may be instead."""
    try:
        found = _of_xml(body) if "xml" in media_type else _of_json(body)
    except (ValueError, ET.ParseError, RecursionError):
        return Report()
    return Report(
        {item[_UID]: _number(item.get(_WARNING_REASON)) for item in found[_REFERENCED]},
        {item[_UID]: _number(item.get(_FAILURE_REASON)) for item in found[_FAILED]},
    )


def _of_json(body: bytes) -> dict[str, list[Item]]:
    """The items of the two sequences, of the DICOM JSON model (PS3.18 Annex F)."""
    answer = json.loads(body)
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]  # some servers send an array of one
    return {tag: [i for i in _json_items(answer, tag) if _UID in i] for tag in _SEQUENCES}


def _json_items(answer: Any, tag: str) -> Iterator[Item]:
    for item in _json_values(answer, tag):
        if isinstance(item, dict):
            firsts = {inner: _json_values(item, inner)[:1] for inner in item}
            yield {inner: str(values[0]).strip() for inner, values in firsts.items() if values}


def _json_values(dataset: Any, tag: str) -> list[Any]:
    element = dataset.get(tag) if isinstance(dataset, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _of_xml(body: bytes) -> dict[str, list[Item]]:
    """The same of the Native DICOM Model (PS3.19 Annex A)."""
    # a configured server's answer, of bounded size, and expat bounds what entities grow to
    root = ET.fromstring(body)  # noqa: S314
    return {tag: [i for i in _xml_items(root, tag) if _UID in i] for tag in _SEQUENCES}


def _xml_items(root: ET.Element, tag: str) -> Iterator[Item]:
    for attribute in _attributes(root):
        if attribute.get("tag") == tag:
            for item in attribute:
                firsts = ((a.get("tag", ""), a.find("{*}Value")) for a in _attributes(item))
                yield {t: (v.text or "").strip() for t, v in firsts if v is not None}


def _attributes(element: ET.Element) -> list[ET.Element]:
    return element.findall("{*}DicomAttribute")


def _number(text: str | None) -> int | None:
    """A reason as a number; None where there is none, or none of 16 bits."""
    if text is None or not text.isascii() or not text.isdigit():
        return None
    number = int(text[:6])
    return number if number <= 0xFFFF else None
