"""Damaged files through the whole room: a series, a refusal or a fault, never a crash."""

import contextlib
import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.filewriter import dcmwrite

from node.errors import NodeError
from node.refusals import Refusal
from node.series import Header, Instance, completeness, read_header, recognise, stack
from tests.support.ctp import CtpSpec, build_series

SPEC = CtpSpec(rows=8, slices=2)


@cache
def files() -> tuple[bytes, ...]:
    """The small series as Part 10 files."""
    made = []
    for dataset in build_series(SPEC):
        buffer = io.BytesIO()
        dcmwrite(buffer, dataset, enforce_file_format=True)
        made.append(buffer.getvalue())
    return tuple(made)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Instance]:
    """The undamaged instances, written once."""
    folder = tmp_path_factory.mktemp("whole")
    instances = []
    for number, file in enumerate(files()):
        path = folder / f"{number}.dcm"
        path.write_bytes(file)
        instances.append(Instance(read_header(path), path))
    return instances


@st.composite
def damage(draw: st.DrawFn) -> dict[int, bytes]:
    """Some of the files with bytes changed, to any value, or to a digit where one was."""
    damaged = {}
    for number in draw(st.sets(st.integers(0, len(files()) - 1), min_size=1, max_size=4)):
        file = bytearray(files()[number])
        places = st.lists(st.integers(132, len(file) - 1), min_size=1, max_size=4)
        for place in draw(places):
            digit = chr(file[place]).isdigit()
            file[place] = draw(st.sampled_from(b"0123456789-") if digit else st.integers(0, 255))
        damaged[number] = bytes(file)
    return damaged


def let_in(whole: list[Instance], damaged: dict[int, bytes], folder: Path) -> list[Instance]:
    """What the listener would have let in, damaged files in place of the whole ones."""
    instances = [image for number, image in enumerate(whole) if number not in damaged]
    for number, file in damaged.items():
        path = folder / f"{number}.dcm"
        path.write_bytes(file)
        with contextlib.suppress(NodeError):
            instances.append(Instance(read_header(path), path))
    return instances


@given(damaged=damage())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_become_a_series_a_refusal_or_a_fault(
    whole: list[Instance], tmp_path: Path, damaged: dict[int, bytes]
) -> None:
    """Whatever bytes are damaged in a few files, the room answers in its own words."""
    instances = let_in(whole, damaged, tmp_path)
    completeness([i.header for i in instances])
    series = recognise(instances)
    outcome = series if isinstance(series, Refusal) else stack(series, 1.0)
    assert isinstance(outcome, Refusal) or np.isfinite(outcome.scan.hu).all()


EXTREMES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, 1.0, -1.0, 5.0])
)
HEADERS = st.builds(
    Header,
    sop_class_uid=st.just("1.2.840.10008.5.1.4.1.1.2"),
    sop_instance_uid=st.uuids().map(lambda u: f"2.25.{u.int}"),
    study_instance_uid=st.just("1.2"),
    series_instance_uid=st.just("1.2.3"),
    transfer_syntax_uid=st.just("1.2.840.10008.1.2.1"),
    modality=st.sampled_from(["CT", ""]),
    rows=st.integers(1, 3),
    columns=st.just(2),
    has_pixels=st.just(True),
    position_mm=st.tuples(EXTREMES, EXTREMES, st.integers(0, 2).map(float)),
    orientation=st.sampled_from([(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)]),
    pixel_mm=st.sampled_from([(1.0, 1.0), (0.0, -1.0)]),
    slice_thickness_mm=st.one_of(st.none(), st.sampled_from([5.0, -1.0, 1e300])),
    instance_number=st.one_of(st.none(), st.integers(-5, 5)),
    times_s=st.lists(
        st.tuples(
            st.sampled_from(["AcquisitionTime", "TriggerTime", "DeltaStartTime"]),
            st.one_of(st.integers(0, 90).map(float), st.floats(0, 4e9)),
        ),
        max_size=2,
    ).map(tuple),
)


@given(st.lists(HEADERS, max_size=60))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_headers_become_a_series_or_a_refusal(headers: list[Header]) -> None:
    """Recognition and completeness answer for headers of any kind."""
    found = completeness(headers)
    assert found.complete != bool(found.missing)
    outcome = recognise([Instance(h, Path("/spool/x.dcm")) for h in headers])
    if not isinstance(outcome, Refusal):
        assert np.all(np.diff(outcome.time_s, axis=0) > 0)
