"""Patients' names in the character sets that CT scanners write."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Charset:
    """A name and how it is encoded.

    Parameters
    ----------
    declared
        SpecificCharacterSet; empty where it is absent.
    name
        As people read it.
    encoded
        Its bytes where they are not those of ``declared``.
    """

    declared: str | tuple[str, ...]
    name: str
    encoded: bytes = b""

    @property
    def outcome(self) -> str:
        """What becomes of the name, as docs/input.md says."""
        return "the same bytes, undeclared" if self.encoded else "reads the same"


CHARSETS: dict[str, Charset] = {
    "Latin-1": Charset("ISO_IR 100", "Müller^Jürgen"),
    "Latin-2": Charset("ISO_IR 101", "Wałęsa^Łukasz"),
    "Cyrillic": Charset("ISO_IR 144", "Иванов^Иван"),
    "UTF-8": Charset("ISO_IR 192", "Wałęsa^Łukasz=王^小东"),
    "Japanese": Charset(("", "ISO 2022 IR 87"), "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    "Japanese, half-width": Charset(
        ("ISO 2022 IR 13", "ISO 2022 IR 87"), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
    ),
    "Korean": Charset(("", "ISO 2022 IR 149"), "Hong^Gildong=洪^吉洞=홍^길동"),
    "GB18030": Charset("GB18030", "Wang^XiaoDong=王^小东"),
    "none declared": Charset("", "MÃ¼ller^JÃ¼rgen", "Müller^Jürgen".encode()),
}
"""Every character set by its name in docs/input.md."""
