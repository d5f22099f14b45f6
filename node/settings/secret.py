"""What is not written into the settings: secrets."""

import os
from pathlib import Path

from pydantic import model_validator

from node.errors import SettingsError
from node.settings.section import Section


class Secret(Section):
    """Where a secret is: in a file, or in a variable of the environment; never in the settings."""

    file: Path | None = None
    """A file that holds it."""
    env: str = ""
    """A variable of the environment that holds it."""

    @model_validator(mode="after")
    def _one_place(self) -> "Secret":
        if (self.file is None) == (not self.env):
            raise ValueError("name either file or env, which holds the secret")
        return self

    def read(self) -> str:
        """The secret as it is now, without white space around it.

        Raises
        ------
        SettingsError
            If it is not there, or empty.
        """
        place = f"the file {self.file}" if self.file else f"the variable {self.env}"
        try:
            text = self.file.read_text() if self.file else os.environ.get(self.env, "")
        except (OSError, UnicodeDecodeError) as fault:
            raise SettingsError(f"{place} cannot be read: {type(fault).__name__}") from None
        if not (secret := text.strip()):
            raise SettingsError(f"{place} is empty, or not there")
        return secret
