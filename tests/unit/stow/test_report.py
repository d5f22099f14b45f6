"""What a server reports of each object, in both forms, sound and unsound."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.stow.report import Report, read_report
from tests.support.dicomweb import JSON, report

UID = '<DicomAttribute tag="00081155" vr="UI"><Value number="1">{}</Value></DicomAttribute>'
XML = f"""<?xml version="1.0" encoding="utf-8"?>
<NativeDicomModel{{namespace}}>
 <DicomAttribute tag="00081190" vr="UR"><Value number="1">x</Value></DicomAttribute>
 <DicomAttribute tag="00081198" vr="SQ" keyword="FailedSOPSequence">
  <Item number="1">
   {UID.format("1.2.3")}
   <DicomAttribute tag="00081197" vr="US"><Value number="1">272</Value></DicomAttribute>
  </Item>
 </DicomAttribute>
 <DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence">
  <Item number="1">
   {UID.format("1.2.4")}
  </Item>
 </DicomAttribute>
</NativeDicomModel>"""

BOTH = Report({"1.2.4": None, "1.2.5": 0xB000}, {"1.2.3": 0x0110, "1.2.6": None})


@pytest.mark.parametrize(
    "media_type", [JSON, "application/dicom+json; charset=utf-8", "application/json", ""]
)
def test_a_report_in_json_is_read_whatever_its_type_is_called(media_type: str) -> None:
    """Stored with and without a warning, failed with and without a reason."""
    body = report(BOTH.stored, BOTH.failed).body
    assert read_report(media_type, body) == BOTH
    assert read_report(media_type, b"[" + body + b"]") == BOTH


@pytest.mark.parametrize(
    "namespace", ["", ' xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM"']
)
def test_a_report_in_xml_is_read(namespace: str) -> None:
    """Some servers know no other form."""
    body = XML.replace("{namespace}", namespace).encode()
    expected = Report({"1.2.4": None}, {"1.2.3": 0x0110})
    assert read_report("application/dicom+xml; charset=utf-8", body) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b"[[[",
        b"[" * 100_000,
        b"null",
        b'{"00081199": null}',
        b'{"00081199": {"Value": "1.2"}}',
        b'{"00081199": {"Value": [null, [], {"00081155": {"Value": []}}]}}',
        b"\xff\xfe",
    ],
)
@pytest.mark.parametrize("media_type", [JSON, "application/dicom+xml"])
def test_what_is_no_report_names_nothing(media_type: str, body: bytes) -> None:
    """Whatever a server answers instead, nothing counts as stored by it."""
    assert read_report(media_type, body).is_empty


@pytest.mark.parametrize("reason", [-1, 65536, 10**30, "B000", None, [], True])
def test_a_reason_that_is_none_is_no_reason(reason: Any) -> None:
    """The object is failed all the same."""
    item = {"00081155": {"Value": ["1.2"]}, "00081197": {"Value": [reason]}}
    body = json.dumps({"00081198": {"Value": [item]}}).encode()
    assert read_report(JSON, body) == Report({}, {"1.2": None})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["00081198", "00081199", "00081155", "00081197", "Value"]), inner
        )
    ),
    max_leaves=12,
)


@given(ANYTHING)
def test_no_json_at_all_brings_the_reader_down(answer: Any) -> None:
    """Any tree of the very tags it looks for is a report, perhaps an empty one."""
    found = read_report(JSON, json.dumps(answer).encode())
    assert all(isinstance(uid, str) for uid in (*found.stored, *found.failed))
