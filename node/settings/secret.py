"""What is not written into the settings: secrets, and the files of certificates."""

import os
from pathlib import Path

from pydantic import ValidationInfo, field_validator, model_validator

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


class TlsFiles(Section):
    """Certificates (PEM): whom to trust besides the system's authorities, and who asks."""

    ca: Path | None = None
    """Certificates of authorities to trust besides the system's (PEM)."""
    cert: Path | None = None
    """The node's own certificate (PEM), where the server asks for one."""
    key: Path | None = None
    """Its key, where it is not in the same file; not encrypted."""

    @field_validator("key")
    @classmethod
    def _with_its_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("cert", value) is None:
            raise ValueError("a key needs its certificate: set cert too")
        return value
