"""TOML through the standard library, with the line of every key found by a second look."""

import datetime
import re
import tomllib

from admf_fast.config.numbers import real
from admf_fast.config.source import KeyPath, Lines, key_text
from admf_fast.errors import ConfigError

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_TABLE = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_KEY})[ \t]*\]")
_PAIR = re.compile(rf"[ \t]*({_KEY})[ \t]*=")
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")
# The time tomllib takes grows with the square of the parts of one dotted key.
_DOTS_MAX = 100
_DOT = re.compile(r"(?<!\.)\.(?!\.)")


def read_toml(text: str, name: str) -> tuple[object, Lines]:
    """Data and lines of a TOML text; ConfigError for anything that is not TOML."""
    _refuse_long_keys(text, name)

    def parse_float(token: str) -> float:
        try:
            return real(token)
        except ValueError as error:
            raise ConfigError(f"{name}:{_line_of(token, text)}: {error}") from None

    try:
        data = tomllib.loads(text, parse_float=parse_float)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_text(str(error), text, name)) from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deep") from None
    except ValueError:  # the interpreter's limit for the digits of an integer
        raise ConfigError(f"{name}: an integer has too many digits") from None
    return _without_dates(data), _LineFinder(text).lines


def _refuse_long_keys(text: str, name: str) -> None:
    for line, content in enumerate(text.split("\n"), start=1):
        if content.count(".") > _DOTS_MAX and len(_DOT.findall(content)) > _DOTS_MAX:
            raise ConfigError(f"{name}:{line}: more than {_DOTS_MAX} dots in one line; shorten it")


def _line_of(token: str, text: str) -> int:
    """The first line with a token outside a comment."""
    for line, content in enumerate(text.split("\n"), start=1):
        if token in content.split("#")[0]:
            return line
    return 1


def _without_dates(value: object) -> object:
    """TOML's own dates and times as the text that YAML would hold."""
    if isinstance(value, dict):
        return {key: _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat().replace("+00:00", "Z")
    return value


def _syntax_text(message: str, text: str, name: str) -> str:
    doubled = _LineFinder(text).doubled
    if doubled and message.startswith("Cannot"):
        path, first, second = doubled[0]
        both = f"on lines {first} and {second}"
        return f"{name}:{second}: {key_text(path)} is given twice, {both}; keep one"
    at = _AT_LINE.search(message)
    line = at[1] if at else text.count("\n") + 1
    return f"{name}:{line}: not valid TOML: {_AT_LINE.sub('', message).strip()}"


class _LineFinder:
    """Lines of tables and of the first key on a line, and the keys given twice.

    Best effort: a key inside an inline table has no line of its own, and is reported with the
    line of the key before it.
    """

    def __init__(self, text: str) -> None:
        self.lines: Lines = {}
        self.doubled: list[tuple[KeyPath, int, int]] = []
        self._given: Lines = {}
        self._items: dict[KeyPath, int] = {}
        table: KeyPath = ()
        closing = ""
        for line, content in enumerate(text.split("\n"), start=1):
            if closing:
                closing = "" if content.count(closing) % 2 else closing
            elif found := _TABLE.match(content):
                table = self._table(found)
                self._note(table, line)
            elif found := _PAIR.match(content):
                self._note((*table, *_parts(found[1])), line)
                closing = _opened(content)

    def _note(self, path: KeyPath, line: int) -> None:
        if path in self._given:
            self.doubled.append((path, self._given[path], line))
        self._given.setdefault(path, line)
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def _table(self, found: re.Match[str]) -> KeyPath:
        """The path of a header; a part that names a list of tables means its last item."""
        path: KeyPath = ()
        for part in _parts(found[2]):
            path = (*path, part)
            if path in self._items:
                path = (*path, self._items[path] - 1)
        if found[1] == "[[":
            listed = path[:-1] if path and isinstance(path[-1], int) else path
            self._items[listed] = self._items.get(listed, 0) + 1
            path = (*listed, self._items[listed] - 1)
        return path


def _parts(key: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))


def _opened(content: str) -> str:
    for quotes in ('"""', "'''"):
        if content.count(quotes) % 2:
            return quotes
    return ""
