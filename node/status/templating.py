"""The templates, and what they may call."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from node.people import Role
from node.ports import DeliveryRecord
from node.settings import toml
from node.status import dimse, view, visit

TEMPLATES = Path(__file__).parent / "templates"


def templates() -> Environment:
    """The templates: all that is put into them is escaped, and what is missing is a mistake."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "action_words": view.ACTION_WORDS,
        "activity_words": view.ACTIVITY_WORDS,
        "actions": view.actions,
        "badge": view.badge,
        "comes_first": view.comes_first,
        "device": device,
        "duration": view.duration,
        "may_change": lambda: visit.current().may(Role.OPERATOR),
        "remedy": view.remedy,
        "size": view.size,
        "tally": _tally,
        "visitor": visit.current,
    }
    made.filters |= {
        "dimse": dimse.words,
        "local": local,
        "sentence": view.sentence,
        "spaced": lambda name: name.replace("_", " "),
        "toml": lambda value: "" if value is None else toml(value),
    }
    return made


def local(at: datetime | None, form: str = "%H:%M:%S") -> str:
    """A UTC time on the clock of the machine the node runs on; a dash for None."""
    return at.astimezone().strftime(form) if at else "–"


def device(provider: str) -> str:
    """What ONNX Runtime calls a device, as people do."""
    name = provider.removesuffix("ExecutionProvider")
    return {"CUDA": "GPU (CUDA)", "Tensorrt": "GPU (TensorRT)", "": "–"}.get(name, name)


def _tally(objects: Sequence[tuple[str, DeliveryRecord]]) -> str:
    """How many of a destination's objects are in each state: ``7 stored, 2 skipped``."""
    numbers = Counter(str(delivery.state).lower() for _, delivery in objects)
    return ", ".join(f"{number} {state}" for state, number in numbers.most_common())
