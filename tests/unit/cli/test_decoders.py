"""Decoders are looked for before a compressed scan comes."""

from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from node.cli import decoders


def test_the_decoders_that_the_node_ships_are_there() -> None:
    """Each says what it reads and under which licence."""
    found = list(decoders.decoders())
    assert all(each.good for each in found)
    assert "JPEG-LS" in " ".join(each.found for each in found)


def test_a_missing_decoder_and_a_copyleft_one_are_findings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What to install, and what not to give on."""

    def metadata(package: str) -> Any:
        if package == "pyjpegls":
            raise PackageNotFoundError
        return {"Version": "1.0"}

    monkeypatch.setattr(decoders, "metadata", metadata)
    wrong = {each.what: each for each in decoders.decoders() if not each.good}
    assert set(wrong) == {"decoder pyjpegls", "decoder pylibjpeg-libjpeg"}
    assert "pip install pyjpegls" in wrong["decoder pyjpegls"].remedy
    assert "GPL" in wrong["decoder pylibjpeg-libjpeg"].found
