"""One HTML file that opens from disk: the findings, the pictures, every number."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydicom import Dataset

from node.exports.pictures import Picture
from node.exports.stacks import Stack

_TEMPLATES = Path(__file__).parent / "templates"
_HEADLINE = ("core_ml", "hypoperfusion_ml", "mismatch_ml", "mismatch_ratio")


@dataclass(frozen=True)
class Person:
    """Who was examined, and when, as the result objects say it."""

    name: str
    patient_id: str
    birth_date: str
    study: str
    accession: str

    @classmethod
    def of(cls, dataset: Dataset) -> "Person":
        """The identity that a result object carries."""
        name = dataset.get("PatientName")
        groups = [name.ideographic, name.alphabetic] if name else []
        when = _date(dataset.get("StudyDate"))
        title = str(dataset.get("StudyDescription") or "")
        return cls(
            name=" = ".join(str(g).replace("^", " ").strip() for g in groups if g),
            patient_id=str(dataset.get("PatientID") or ""),
            birth_date=_date(dataset.get("PatientBirthDate")),
            study=", ".join(part for part in (title, when) if part),
            accession=str(dataset.get("AccessionNumber") or ""),
        )


def page(
    person: Person, facts: Mapping[str, Any], stacks: Sequence[Stack], whole: Sequence[Picture]
) -> str:
    """The page; nothing in it is fetched from elsewhere.

    Parameters
    ----------
    person
        Who was examined.
    facts
        What ``numbers.json`` says.
    stacks
        The maps and the lesion slice by slice, in the order of their series.
    whole
        Pictures that stand for themselves: the summary page, or the page of a refusal.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data"] = lambda jpeg: "data:image/jpeg;base64," + b64encode(jpeg).decode()
    environment.filters["number"] = _number
    environment.filters["sentence"] = _sentence
    measured = facts["measurements"]
    return environment.get_template("report.html").render(
        person=person,
        facts=facts,
        headline=[measured[key] for key in _HEADLINE if key in measured],
        spans={key: _span(measured, key) for key in ("core", "hypoperfusion")},
        stacks=stacks,
        thinned=next((s for s in stacks if len(s.pictures) < s.slices), None),
        whole=whole,
    )


def _span(measured: Mapping[str, Any], lesion: str) -> str:
    """Between which volumes a lesion lies, where that is known."""
    least, most = (measured.get(f"{lesion}_{end}_ml") for end in ("least", "most"))
    if not least or not most:
        return ""
    return f"{_number(least['value'])} to {_number(most['value'])} ml"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if abs(value) < 1 else f"{value:.1f}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(". ") + "."


def _date(value: object) -> str:
    """A DICOM date as ISO 8601 writes it; as it stands where it is none."""
    text = str(value or "")
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text
