"""A strict reader for a small part of YAML: plain data, with the line of every key.

It works on parser events, so that an anchor, a tag or a level too deep is refused when it is
met, before anything is built from it.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from admf_fast.config.numbers import number
from admf_fast.config.source import KeyPath, Lines, key_text, quoted
from admf_fast.errors import ConfigError

DEPTH_MAX = 16
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
# libyaml is about ten times faster; a PyYAML built without it reads the same.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, name: str) -> tuple[object, Lines]:
    """Data and lines of one YAML document; ConfigError for anything outside the part we read."""
    try:
        return _Reader(text, name).document()
    except yaml.YAMLError as error:
        raise ConfigError(_syntax_text(error, text, name)) from None


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.lines: Lines = {}
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))

    def document(self) -> tuple[object, Lines]:
        next(self.events)  # the start of the stream
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            return None, self.lines
        if start.version is not None or start.tags:
            self.refuse(start, "directives (%YAML, %TAG) are not read here; remove the line")
        data = self.node(next(self.events), ())
        next(self.events)  # the end of the document
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            self.refuse(after, "a second document starts here; keep one per file")
        return data, self.lines

    def node(self, event: Any, path: KeyPath) -> object:
        self.refuse_extras(event, path)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, path)
        if len(path) >= DEPTH_MAX:
            self.refuse(event, f"nested deeper than {DEPTH_MAX} levels")
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(path)
        return self.sequence(path)

    def refuse_extras(self, event: Any, path: KeyPath) -> None:
        if isinstance(event, yaml.AliasEvent):
            found, remedy = "aliases (*)", "repeat the value"
        elif event.anchor is not None:
            found, remedy = "anchors (&)", "remove it"
        elif event.tag is not None:
            found, remedy = f"tags ({quoted(event.tag)})", "remove it"
        else:
            return
        where = f"{key_text(path)}: " if path else ""
        self.refuse(event, f"{where}{found} are not read here; {remedy}")

    def mapping(self, path: KeyPath) -> dict[str, object]:
        result: dict[str, object] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, path)
            line = event.start_mark.line + 1
            if key in result:
                first = self.lines[(*path, key)]
                text = f"{key_text((*path, key))} is given twice, on lines {first} and {line}"
                self.refuse(event, f"{text}; keep one")
            self.lines[(*path, key)] = line
            result[key] = self.node(next(self.events), (*path, key))
        return result

    def key(self, event: Any, path: KeyPath) -> str:
        self.refuse_extras(event, path)
        if not isinstance(event, yaml.ScalarEvent):
            self.refuse(event, "a key must be a single word, found a list or a section")
        if event.value == "<<" and not event.style:
            self.refuse(event, "merge keys (<<) are not read here; repeat the values")
        return str(event.value)

    def sequence(self, path: KeyPath) -> list[object]:
        result: list[object] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            item = (*path, len(result))
            self.lines[item] = event.start_mark.line + 1
            result.append(self.node(event, item))
        return result

    def scalar(self, event: Any, path: KeyPath) -> object:
        text: str = event.value
        if event.style:  # quoted or a block: text whatever it looks like
            return text
        if text in _WORDS:
            return _WORDS[text]
        try:
            value = number(text)
        except ValueError as error:
            self.refuse(event, f"{key_text(path)}: {error}")
        return text if value is None else value

    def refuse(self, event: Any, text: str) -> NoReturn:
        raise ConfigError(f"{self.name}:{event.start_mark.line + 1}: {text}")


def _syntax_text(error: yaml.YAMLError, text: str, name: str) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    if mark is None:
        return f"{name}: not valid YAML: {what}"
    lines = text.splitlines() or [""]
    index = min(mark.line, len(lines) - 1)  # the parser may stop behind the last line
    remedy = "; indent with spaces, not tabs" if re.match(r" *\t", lines[index]) else ""
    return f"{name}:{index + 1}: not valid YAML: {what}{remedy}"
