"""How a NamedTuple of numbers lies in memory: one 64-bit word a field.

A float is its IEEE bits, an int is itself, a bool is 0 or 1. These words are what the
drivers read and write, what the checksum covers and what a snapshot holds.
"""

import functools
import struct
import types
import typing
from typing import Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from admf_kernels.errors import KernelError

Words = NDArray[np.int64]
WORD, REAL = struct.Struct("<q"), struct.Struct("<d")
KINDS: dict[type, str] = {float: "float", int: "int", bool: "bool"}


class Field(NamedTuple):
    """One field of a NamedTuple: its name, its kind (float, int or bool), its annotation."""

    name: str
    kind: str
    hint: Any


class Empty(NamedTuple):
    """The params, constants or state of a kernel that has none."""


@functools.cache
def fields_of(cls: type) -> tuple[Field, ...]:
    """Return the fields of a NamedTuple class in order.

    Raises KernelError when `cls` is no NamedTuple or a field is not float, int or bool.
    """
    if not (isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")):
        raise KernelError(f"{cls!r} must be a NamedTuple class of float, int and bool fields")
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_field(cls, name, hints.get(name)) for name in cls._fields)


def _field(cls: type, name: str, hint: Any) -> Field:
    plain = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
    if isinstance(plain, types.GenericAlias) or plain not in KINDS:
        raise KernelError(
            f"{cls.__module__}.{cls.__name__}.{name}: expected float, int or bool, found {plain!r}"
        )
    return Field(name, KINDS[plain], hint)


def to_word(kind: str, value: Any) -> int:
    """Return the 64-bit word of `value` as a signed integer."""
    if kind == "float":
        return WORD.unpack(REAL.pack(value))[0]  # type: ignore[no-any-return]
    return int(value)


def from_word(kind: str, word: int) -> Any:
    """Return the Python value of a 64-bit word."""
    if kind == "float":
        return float(np.int64(word).view(np.float64))
    return bool(word) if kind == "bool" else int(word)


def packed(values: tuple[Any, ...]) -> bytes:
    """Return the words of a NamedTuple instance as bytes."""
    form = _form_of(type(values))[0]
    try:
        return form.pack(*values)
    except struct.error:  # a number that is not of its field's kind, or too large for it
        kinds = fields_of(type(values))
        words = [to_word(f.kind, v) for f, v in zip(kinds, values, strict=True)]
        return np.array(words, np.int64).tobytes()


def pack(values: tuple[Any, ...]) -> Words:
    """Return the words of a NamedTuple instance, shape ``(fields,)``."""
    return np.frombuffer(bytearray(packed(values)), np.int64)


def unpack(cls: type, words: Words) -> Any:
    """Return the `cls` instance that `words` hold."""
    form, bools = _form_of(cls)
    values = list(form.unpack(words.tobytes()))
    for place in bools:
        values[place] = bool(values[place])
    return cls(*values)


@functools.cache
def _form_of(cls: type) -> tuple[struct.Struct, tuple[int, ...]]:
    """Return how the words of a class are read, and which of its fields are bools."""
    kinds = [field.kind for field in fields_of(cls)]
    form = "".join("d" if kind == "float" else "q" for kind in kinds)
    return struct.Struct(f"={form}"), tuple(k for k, kind in enumerate(kinds) if kind == "bool")


def zeros(cls: type) -> Any:
    """Return the fresh state: every field zero."""
    return unpack(cls, np.zeros(len(fields_of(cls)), np.int64))
