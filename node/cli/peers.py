"""Other DICOM nodes: is one there, and send it files."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from node.cli.files import files_of, is_dicom
from node.cli.options import BadCallError, ConfigOption, JsonOption, settings_from
from node.cli.output import counted, fail, note, print_json, print_table, progress, say
from node.errors import PeerUnreachableError
from node.ports import DeliveryState, Pacs, StoreOutcome
from node.settings import WebDestination
from node.wiring import Node


@dataclass(frozen=True)
class Answer:
    """What came of an echo; ``took_s`` None: no answer, and ``found`` says why."""

    answered: bool
    asked: str
    took_s: float | None = None
    found: str = ""
    remedy: str = ""


def echo(
    config: ConfigOption = None,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A destination of the settings; all where omitted."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """C-ECHO a destination (or all) and say how fast it answers.

    A DICOMweb server is asked for a study that does not exist (QIDO-RS): that says that it
    answers and takes the credentials, not that it takes objects.

    Exit code 1 where one does not answer, 2 where the settings do not know it.
    """
    settings = settings_from(config, level=logging.ERROR)
    names = [name] if name else [destination.name for destination in settings.destinations]
    if not names:
        raise BadCallError(
            "there are no destinations in the settings",
            "Add one as [[destinations]], or name the node's settings with --config FILE.",
        )
    with Node(settings) as node:
        answers = {each: _asked(node, each) for each in names}
    if json:
        print_json({each: asdict(answer) for each, answer in answers.items()})
    else:
        for each, answer in answers.items():
            _say_answer(each, answer)
    raise typer.Exit(0 if all(answer.answered for answer in answers.values()) else 1)


def _asked(node: Node, name: str) -> Answer:
    pacs = node.pacs(name)
    try:
        return Answer(answered=True, asked=pacs.question, took_s=pacs.echo())
    except PeerUnreachableError as fault:
        own, remedy = node.settings.scp.ae_title, fault.remedy
        if not isinstance(node.settings.destination(name), WebDestination):
            remedy = f"Check that it runs, its host and port, and that it knows this node as {own}."
        return Answer(answered=False, asked=pacs.question, found=str(fault), remedy=remedy)


def _say_answer(name: str, answer: Answer) -> None:
    if answer.took_s is not None:
        say(f"{name} answered {answer.asked} in {answer.took_s * 1000:.0f} ms", style="green")
    else:
        say(f"{answer.found}. {answer.remedy}", style="red")


def send(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", exists=True, help="A folder, zip or file of DICOM files."),
    ],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="A destination of the settings.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Send a folder's DICOM files to a destination, by C-STORE or STOW-RS.

    Files that are no DICOM are passed over. Exit code 1 where any object was not stored, 2
    where the settings do not know the destination.
    """
    settings = settings_from(config, level=logging.ERROR)
    with Node(settings) as node:
        pacs = node.pacs(to)  # a name that is unknown is told before a large folder is read
        with files_of(folder) as every:
            result = _sent(to, pacs, every)
    _report(result, json=json)
    good = result.fault is None and result.stored == result.files > 0
    raise typer.Exit(0 if good else 1)


@dataclass(frozen=True)
class Sent:
    """What came of sending: of ``every`` file, ``files`` are DICOM; ``fault`` ended it early."""

    to: str
    every: int
    files: int
    outcomes: tuple[StoreOutcome, ...]
    fault: PeerUnreachableError | None

    @property
    def stored(self) -> int:
        """How many objects the destination has, warnings included."""
        return sum(map(_is_taken, self.outcomes))


def _sent(to: str, pacs: Pacs, every: Sequence[Path]) -> Sent:
    """Send those that are DICOM, with a bar."""
    outcomes: list[StoreOutcome] = []
    fault: PeerUnreachableError | None = None
    files = [path for path in every if is_dicom(path)]
    with progress() as bar:
        task = bar.add_task(f"Sending to {to}", total=len(files))

        def tell(outcome: StoreOutcome) -> None:
            outcomes.append(outcome)
            bar.advance(task)

        try:
            pacs.store(files, tell)
        except PeerUnreachableError as ended:
            fault = ended
    return Sent(to, len(every), len(files), tuple(outcomes), fault)


def _is_taken(outcome: StoreOutcome) -> bool:
    from node.scu import is_stored

    if outcome.state is not None:
        return outcome.state in (DeliveryState.STORED, DeliveryState.WARNING)
    return outcome.status is not None and is_stored(outcome.status)


def _report(sent: Sent, *, json: bool) -> None:
    """Print what became of every file."""
    if json:
        error = {"found": str(sent.fault), "remedy": sent.fault.remedy} if sent.fault else None
        facts = {"files": sent.every, "objects": sent.files, "stored": sent.stored}
        print_json({**facts, "outcomes": sent.outcomes, "error": error})
        return
    if passed := sent.every - sent.files:
        note(f"{passed} of {counted(sent.every, 'file')} passed over: no DICOM.")
    if not sent.files:
        note("Nothing was sent: there is no DICOM file.", "red")
        return
    counts = Counter((o.status, o.message) for o in sent.outcomes)
    say(f"{sent.stored} of {counted(sent.files, 'object')} stored at {sent.to}", "bold")
    print_table(
        "Answers",
        ("Status", "Objects", "Message"),
        (
            ("none" if status is None else f"0x{status:04X}", str(n), message)
            for (status, message), n in counts.items()
        ),
    )
    if sent.fault:
        fail(sent.fault)
