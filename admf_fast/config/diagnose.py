"""Everything that is wrong with data that the model refused: each key with its place.

msgspec decides what is accepted, and stops at the first fault. This walk runs only after a
refusal, to find the other faults as well and to say each in the words of the configuration.
"""

import re
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import structs

from admf_fast.config.expected import expected_text, remedy_text
from admf_fast.config.section import Section
from admf_fast.config.source import KeyPath, Problems, found_text, is_hidden, keys_text, nearest

_INNER = re.compile(r" - at `\$(.*)`\Z")
_INNER_PART = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


class Diagnosis:
    """The walk over one refused configuration."""

    def __init__(self, model: type[msgspec.Struct], problems: Problems) -> None:
        self.model = model
        self.problems = problems

    def run(self, data: object) -> None:
        """Note every fault of the data."""
        self._value(self.model, data, ())

    def _value(self, hint: Any, data: object, path: KeyPath) -> None:
        if self.problems.full:
            return
        core = _bare(hint)
        choices = _struct_choices(core, data)
        if choices and data is None and type(None) in get_args(core):
            return
        if isinstance(data, list) and (item_hint := _item_hint(core)):
            for index, item in enumerate(data):
                self._value(item_hint, item, (*path, index))
        elif len(choices) == 1:
            self._section(choices[0], data, path, or_list=_item_hint(core) is not None)
        elif choices:
            self._tagged(choices, data, path)
        elif get_origin(core) is dict and isinstance(data, dict):
            key_hint, value_hint = get_args(core)
            for key, item in data.items():
                self._leaf(key_hint, key, (*path, key))
                self._value(value_hint, item, (*path, key))
        else:
            self._leaf(hint, data, path)

    def _section(
        self, cls: type[msgspec.Struct], data: object, path: KeyPath, or_list: bool = False
    ) -> None:
        fields = {field.encode_name: field for field in structs.fields(cls)}
        tag_field = cls.__struct_config__.tag_field
        keys = [*([tag_field] if tag_field else []), *fields]
        if not isinstance(data, dict):
            text = f"expected a section with the keys {keys_text(keys)}"
            text += " or a list of them" if or_list else ""
            remedy = cls.remedy(data) if issubclass(cls, Section) else ""
            self.problems.add(path, f"{text}; found {found_text(data, path)}{remedy}")
            return
        for key, item in data.items():
            if key in fields:
                self._value(fields[key].type, item, (*path, key))
            elif key != tag_field:
                self._unknown(key, keys, path)
        for key, field in fields.items():
            if field.required and key not in data:
                self.problems.missing((*path, key), expected_text(field.type))

    def _tagged(self, choices: list[type[msgspec.Struct]], data: object, path: KeyPath) -> None:
        field = str(choices[0].__struct_config__.tag_field)
        by_tag = {str(cls.__struct_config__.tag): cls for cls in choices}
        if not isinstance(data, dict) or field not in data:
            text = f"expected a section with {field}, one of {keys_text(by_tag)}"
            self.problems.add(path, f"{text}; found {found_text(data, path)}")
            return
        tag = data[field]
        if not isinstance(tag, str) or tag not in by_tag:
            close = nearest(tag, by_tag) if isinstance(tag, str) else None
            hint = f"; did you mean {close}?" if close else ""
            text = f"expected one of {keys_text(by_tag)}; found {found_text(tag, path)}{hint}"
            self.problems.add((*path, field), text)
            return
        self._section(by_tag[tag], data, path)

    def _unknown(self, key: str, keys: list[str], path: KeyPath) -> None:
        if self.problems.full:
            return
        homes = " or ".join(_homes(key, self.model))
        self.problems.unknown((*path, key), keys, f"it belongs to {homes}" if homes else "")

    def _leaf(self, hint: Any, data: object, path: KeyPath) -> None:
        try:
            msgspec.convert(data, hint, strict=True)
        except msgspec.ValidationError as error:
            inner = _inner_path(str(error))
            if inner:
                text = _INNER.sub("", str(error))
                self.problems.add((*path, *inner), f"{text[0].lower()}{text[1:]}")
                return
            text = f"expected {expected_text(hint)}; found {found_text(data, path)}"
            remedy = "" if is_hidden(path) else remedy_text(data, hint)
            self.problems.add(path, text + remedy)


def _bare(hint: Any) -> Any:
    """A hint without its limits, and without the "nothing said" of a key that has no default."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else ()
    if msgspec.UnsetType in parts:
        said = tuple(part for part in parts if part is not msgspec.UnsetType)
        return _bare(Union[said])  # noqa: UP007  a tuple of parts
    return hint


def _struct_choices(core: Any, data: object = None) -> list[type[msgspec.Struct]]:
    """The structs a hint offers; none if it also offers anything else than null or a list of them.

    Where it offers a word as well, like flat, it is a section if that is what was written.
    """
    parts = get_args(core) if get_origin(core) in (Union, UnionType) else (core,)
    bare = [_bare(part) for part in parts if part not in (msgspec.UnsetType, type(None))]
    if len(bare) > 1:
        bare = [part for part in bare if get_origin(part) not in (list, tuple)]
    if all(isinstance(part, type) and issubclass(part, msgspec.Struct) for part in bare):
        return bare
    structs_only = [p for p in bare if isinstance(p, type) and issubclass(p, msgspec.Struct)]
    return structs_only if isinstance(data, dict) else []


def _item_hint(core: Any) -> Any:
    """What the items of a list are to be; None if a hint offers no list."""
    parts = get_args(core) if get_origin(core) in (Union, UnionType) else (core,)
    for part in map(_bare, parts):
        if get_origin(part) in (list, tuple):
            return get_args(part)[0]
    return None


def _homes(key: str, model: type[msgspec.Struct]) -> list[str]:
    """The sections of the model that know a key: `execution`, `sizing of kind fixed`."""
    homes = []
    for section in structs.fields(model):
        if section.encode_name == key:
            homes.append("the top level")
        for cls in _struct_choices(_bare(section.type)):
            tag = cls.__struct_config__.tag
            if any(field.encode_name == key for field in structs.fields(cls)):
                homes.append(section.encode_name + (f" of kind {tag}" if tag else ""))
    return homes


def _inner_path(message: str) -> KeyPath:
    found = _INNER.search(message)
    if not found:
        return ()
    parts = _INNER_PART.findall(found[1])
    return tuple(name or int(index) for name, index in parts)
