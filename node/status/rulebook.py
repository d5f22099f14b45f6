"""The site's rules, or a draft of them, tried on a series that has come or that might."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from node.ports import SeriesRecord
from node.refusals import Refusal
from node.series import (
    Eligibility,
    Header,
    Instance,
    Rule,
    Trial,
    deciding_rule,
    survey,
    tried,
)

LONGEST = 4000
"""Of a draft, which is a part of an address [characters]; a browser sends two for a line's end."""
_Text = Annotated[str, Field(max_length=64)]
_Thickness = Annotated[float, Field(ge=0, le=1000)]


class Question(BaseModel):
    """What is tried: a received series, or what one would say; and a draft of the rules."""

    series: Annotated[str, Field(pattern=r"^[0-9.]{0,64}$")] = ""
    peer: _Text = ""
    description: _Text = ""
    protocol: _Text = ""
    image_type: Annotated[str, Field(max_length=128)] = ""
    thickness_mm: Annotated[_Thickness | None, BeforeValidator(lambda said: said or None)] = None
    rules: Annotated[str, Field(max_length=LONGEST + 1000)] | None = None

    def header(self) -> Header:
        """An image of a series that says this."""
        return Header(
            *("",) * 5,
            series_description=self.description,
            protocol_name=self.protocol,
            image_type=tuple(self.image_type.upper().split("\\")),
            slice_thickness_mm=self.thickness_mm,
        )


@dataclass(frozen=True)
class Rulebook:
    """Rules, and what they are about.

    Parameters
    ----------
    limits
        What a series must have to be analysed, the rules among it.
    text
        The rules as they stand in a settings file.
    wanted
        Each destination's name and the kinds of results it wants.
    """

    limits: Eligibility
    text: str
    wanted: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Outcome:
    """What becomes of a series.

    Parameters
    ----------
    trials
        Each rule on it, in order.
    images
        How many it has.
    decides
        The place of the rule that decides, from 0; None: none speaks of it.
    analysed
        If it is, under which condition; else why not.
    good
        Whether it is at all.
    notes
        What else its images tell.
    sent
        Who is sent which kinds of results.
    """

    trials: Sequence[Trial]
    images: int
    decides: int | None
    analysed: str
    good: bool
    notes: Sequence[str]
    sent: Mapping[str, Sequence[str]]

    @property
    def rule(self) -> Rule | None:
        """The rule that decides."""
        return None if self.decides is None else self.trials[self.decides].rule


def of_what_it_says(question: Question, book: Rulebook) -> Outcome:
    """What the rules make of a series that says so of itself; its content is not known."""
    header, limits = question.header(), book.limits
    rule = deciding_rule([header], limits.rules, question.peer)
    if rule is not None and rule.action == "skip":
        return _outcome(book, [header], question.peer, rule, "it is left out", good=False)
    derived = limits.accept_derived or (rule is not None and rule.action == "analyse")
    words = f"if its content is a perfusion scan's{', derived images too' if derived else ''}"
    return _outcome(book, [header], question.peer, rule, words, good=True)


def of_what_has_come(
    record: SeriesRecord, instances: Sequence[Instance], book: Rulebook
) -> Outcome:
    """What the rules, and the limits of the settings, make of the images of a series."""
    peer = record.calling_ae_title
    headers = [instance.header for instance in instances]
    if not headers:
        words = "its images are deleted, and nothing is left to try rules on"
        return _outcome(book, (), peer, None, words, good=False)
    rule = deciding_rule(headers, book.limits.rules, peer)
    verdict = survey(instances, replace(book.limits, peer=peer)).verdict
    if isinstance(verdict, Refusal):
        words = f"{verdict.found.rstrip('. ')}. {verdict.remedy}"
        return _outcome(book, headers, peer, rule, words, good=False)
    return _outcome(book, headers, peer, rule, "", good=True, notes=verdict.notes)


def _outcome(
    book: Rulebook,
    headers: Sequence[Header],
    peer: str,
    rule: Rule | None,
    analysed: str,
    *,
    good: bool,
    notes: Sequence[str] = (),
) -> Outcome:
    rules = book.limits.rules
    sent = rule.share(book.wanted) if rule else book.wanted
    return Outcome(
        trials=tried(headers, rules, peer),
        images=sum(header.images for header in headers),
        decides=None if rule is None else rules.index(rule),
        analysed=analysed,
        good=good,
        notes=notes,
        sent=sent if good else {},
    )
