"""What a user or a token may be called."""

import re
import unicodedata

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


def user_name(text: str) -> str | None:
    """A name as it is kept: in small letters, so that none differs from another by case alone.

    None where it is no name: 1 to 64 letters, digits or ``. _ @ + -``, which covers mail
    addresses, and begins with a letter or digit. Windows' DOMAIN, backslash, user becomes
    ``user@domain``.
    """
    name = unicodedata.normalize("NFKC", text.strip()).lower()
    domain, backslash, user = name.partition("\\")
    if backslash:
        name = f"{user}@{domain}"
    return name if _NAME.fullmatch(name) else None
