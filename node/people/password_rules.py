"""What a password must be (NIST SP 800-63B section 3.1.1: long, and nothing that is guessed first).

No letters of this kind or that are asked for, and none expires: both make passwords worse.
"""

MIN_PASSWORD = 12
MAX_PASSWORD = 256
"""Longer ones would be work for the node that anybody could ask for."""
_MIN_DIFFERENT = 5
_GUESSED_FIRST = ("password", "passwort", "perfusion", "administrator", "qwerty", "12345", "abcdef")


def wrong_with_password(password: str, name: str) -> str | None:
    """What is wrong with a new password, in words; None where nothing is."""
    if len(password) < MIN_PASSWORD:
        return f"the password has {len(password)} characters; at least {MIN_PASSWORD} are needed"
    if len(password) > MAX_PASSWORD:
        return f"the password has more than {MAX_PASSWORD} characters"
    plain = password.lower()
    left = plain
    for guessed in (*_GUESSED_FIRST, name.lower()):
        left = left.replace(guessed, "")
    if len(left) < MIN_PASSWORD // 2:
        return "the password is little more than a word that is guessed first, or the user's name"
    if len(set(plain)) < _MIN_DIFFERENT:
        return f"the password has fewer than {_MIN_DIFFERENT} different characters"
    return None
