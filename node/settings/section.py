"""What sections of the settings are made of: the base of each, and kinds of values."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ENVIRONMENT_PREFIX = "PERFUSION_NODE_"
WEIGHTS = Path(__file__).resolve().parents[2] / "models" / "weights"

AeTitle = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[^\\\x00-\x1f]+$"
    ),
]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A section of the settings: it cannot change, and knows all of its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
