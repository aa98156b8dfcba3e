"""Pieces of driver source shared by all drivers: loads, stores, checksums, calls."""

from collections.abc import Iterable, Sequence

from admf_kernels.checksum import key_of
from admf_kernels.layout import fields_of

# Odd key of the word that counts the bars a driver has seen.
SEEN_KEY = 1442695040888963407


def indent(lines: Iterable[str], levels: int = 1) -> list[str]:
    """Return the lines indented by `levels` steps."""
    return ["    " * levels + line for line in lines]


def class_name(cls: type) -> str:
    """Return the name of a NamedTuple class in driver source, unlike any other's."""
    return f"{cls.__module__}.{cls.__qualname__}".replace(".", "_").replace("<locals>", "local")


def load(cls: type, words: str, at: str = "{i}") -> str:
    """Return the expression that reads a `cls` from ``{words}_f`` and ``{words}_i``.

    `at` is the index of field ``{i}``.
    """
    parts = []
    for i, field in enumerate(fields_of(cls)):
        index = at.format(i=i)
        value = f"{words}_f[{index}]" if field.kind == "float" else f"{words}_i[{index}]"
        parts.append(f"{value} != 0" if field.kind == "bool" else value)
    return f"{class_name(cls)}({', '.join(parts)})"


def store(cls: type, value: str, words: str, at: str = "{i}") -> list[str]:
    """Return the lines that write the fields of `value` back."""
    lines = []
    for i, field in enumerate(fields_of(cls)):
        side = "f" if field.kind == "float" else "i"
        lines.append(f"{words}_{side}[{at.format(i=i)}] = {value}.{field.name}")
    return lines


def coerce(cls: type, value: str) -> str:
    """Return the expression that rebuilds a state with exactly the declared kinds."""
    parts = [f"{f.kind}({value}.{f.name})" for f in fields_of(cls)]
    return f"{class_name(cls)}({', '.join(parts)})"


def hash_terms(cls: type, value: str, slot: str, first: int = 0) -> dict[str, str]:
    """Return one product per field, by its name: word times its odd key (see `checksum`).

    `first` is the place of the first field among all state words of the instance.
    """
    terms = {}
    for i, field in enumerate(fields_of(cls)):
        word = f"{value}.{field.name}"
        word = f"bits_of({word})" if field.kind == "float" else f"int({word})"
        terms[field.name] = f"{word} * ({slot} + {key_of(first + i)})"
    return terms


def pointers(pairs: Sequence[tuple[str, str]], first: int) -> list[str]:
    """Return the lines that read typed pointers from consecutive table entries."""
    return [f"{name} = {kind}(table[{first + k}])" for k, (name, kind) in enumerate(pairs)]
