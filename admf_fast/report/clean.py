"""Text from outside, made safe for a terminal."""


def clean(text: str) -> str:
    """Return `text` with every character escaped that a terminal might obey; newlines stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")
