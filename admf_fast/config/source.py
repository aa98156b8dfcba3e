"""Where a configuration came from, and the problems found in it."""

import difflib
import os.path
import re
from collections.abc import Collection, Iterable

import msgspec

from admf_fast.errors import ConfigError

KeyPath = tuple[str | int, ...]
Lines = dict[KeyPath, int]

PROBLEMS_SHOWN = 20
# A megabyte of mistakes takes no longer to refuse than the first hundred.
_PROBLEMS_MAX = 100
_TEXT_MAX = 60
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}\Z")
_SECRET_KEY = re.compile(r"secret|token|passw|credential|api.?key|private", re.IGNORECASE)


class Source(msgspec.Struct, frozen=True):
    """The text a configuration was read from; no part of its meaning or its digest."""

    name: str = "Config"
    base_dir: str = ""
    lines: Lines = {}

    def __repr__(self) -> str:
        return f"Source({self.name!r})"  # the lines would bury a printed configuration

    def where(self, path: KeyPath) -> str:
        """`name:line` of a key path, or of the nearest section around it that has a line."""
        line = self.line(path)
        return self.name if line is None else f"{self.name}:{line}"

    def line(self, path: KeyPath) -> int | None:
        """The line alone; None if the text has none for it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None

    def resolve(self, path: str) -> str:
        """A path of the configuration as seen from the current directory."""
        return os.path.join(self.base_dir, path)


class Problems:
    """Collects what is wrong, so that one error can tell all of it, in the order of the lines."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._found)

    @property
    def full(self) -> bool:
        """Whether there are enough problems to stop looking for more."""
        return len(self._found) >= _PROBLEMS_MAX

    def add(self, path: KeyPath, text: str) -> None:
        """Note a problem with the value at a key path: what was expected, found, and to do."""
        self._note(path, f"{key_text(path)}: {text}" if path else text)

    def missing(self, path: KeyPath, expected: str) -> None:
        """Note a key that must be there; its section gives the line."""
        self._note(path, f"{key_text(path)} is missing; expected {expected}")

    def unknown(self, path: KeyPath, keys: Collection[str], hint: str = "") -> None:
        """Note a key that is none of those its section knows, with the nearest of them."""
        key = str(path[-1])
        close = nearest(key, keys)
        if is_secret(key):
            hint = "a configuration holds no secrets, put it into the environment"
        elif ")" in key:
            hint = "inside { } of YAML a text with a comma needs quotes"
        elif not hint and close:
            hint = f"did you mean {close}?"
        hint = f"; {hint}" if hint else ""
        self._note(path, f"{key_text(path)} is not a key here{hint} (keys: {keys_text(keys)})")

    def raise_if_any(self) -> None:
        """Raise the error if there is a problem at all."""
        if self._found:
            raise self.error()

    def error(self) -> ConfigError:
        """One error with a line for each problem."""
        ordered = [text for _, text in sorted(self._found, key=lambda found: found[0])]
        shown = ordered[:PROBLEMS_SHOWN]
        if len(ordered) > len(shown):
            least = "at least " if self.full else ""
            shown.append(f"... and {least}{len(ordered) - len(shown)} more; correct these first")
        return ConfigError("\n".join(shown))

    def _note(self, path: KeyPath, text: str) -> None:
        if self.full:
            return
        line = self.source.line(path)
        self._found.append((line or 0, f"{self.source.where(path)}: {text}"))


def key_text(path: KeyPath) -> str:
    """A key path as a user writes it: `features[0].params.period`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _PLAIN_KEY.match(part) else quoted(part)
            text += f".{name}" if text else name
    return text


def quoted(text: str) -> str:
    """Text from outside, made safe for one line of a message: escaped and cut."""
    cut = text if len(text) <= _TEXT_MAX else text[:_TEXT_MAX] + "..."
    return ascii(cut)


def found_text(value: object, path: KeyPath = ()) -> str:
    """What was found, in the words of the configuration; a secret is never repeated."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, dict):
        return f"a section with the keys {keys_text(map(str, value))}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if is_hidden(path):
        return "a value that is not shown here"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"{quoted(value)} (text)"
    return quoted(repr(value))[1:-1]


def keys_text(keys: Iterable[str]) -> str:
    """Keys for a message, the first twenty of them."""
    names = [key_text((key,)) for key in keys]
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")


def is_secret(key: str) -> bool:
    """Whether a key looks like the name of a secret."""
    return _SECRET_KEY.search(key) is not None


def is_hidden(path: KeyPath) -> bool:
    """Whether the value at a key path may be a secret, and must not be repeated."""
    return any(isinstance(part, str) and is_secret(part) for part in path)


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that a mistyped one most likely meant."""
    written = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key[:_TEXT_MAX].lower(), list(written), n=1, cutoff=0.6)
    return written[close[0]] if close else None
