"""From generated lines to functions and NamedTuple classes.

Only text that this package wrote from its own graphs is executed: every name in it is
generated or a kernel's own, every number is written by ``repr``. Nothing of a user's text
gets here but numbers. Equal code has equal names, so it is compiled once.
"""

import collections
import functools
import hashlib
import linecache
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from admf_kernels.expressions import arithmetic
from admf_kernels.layout import Empty
from admf_kernels.numeric import nan, select

MODULE = "admf_kernels.generated.expressions"
_named: Callable[..., type] = collections.namedtuple  # mypy wants its fields in the text
KINDS: dict[str, type] = {"float": float, "int": int, "bool": bool}
HELPERS: dict[str, Any] = {
    "nan": nan,
    "select": select,
    **{
        f.__name__: f
        for f in (
            arithmetic.divide, arithmetic.smaller, arithmetic.larger, arithmetic.or_zero,
            arithmetic.inside, arithmetic.held_only, arithmetic.side_of,
        )
    },
}  # fmt: skip


def digest_of(*parts: object) -> str:
    """Return twelve hexadecimal digits that stand for these values."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()[:12]


def class_of(name: str, fields: Sequence[tuple[str, Any]], defaults: Sequence[Any] = ()) -> type:
    """Return a NamedTuple class; `fields` are names and annotations."""
    if not fields:
        return Empty
    names = [field for field, _ in fields]
    made = _named(name, names, defaults=defaults, module=MODULE)
    made.__annotations__ = dict(fields)
    made.__doc__ = "Made for an expression."
    return made


@functools.cache
def state_class(fields: tuple[tuple[str, str], ...]) -> type:
    """Return the state class with these fields and kinds; the same one for the same fields."""
    digest = digest_of(fields)
    return class_of(f"State_{digest}", [(name, KINDS[kind]) for name, kind in fields])


def function_of(
    name: str, arguments: Sequence[str], lines: Sequence[str], names: Mapping[str, Any]
) -> Callable[..., Any]:
    """Return the function ``name(arguments)`` with this body; `names` are its globals.

    The function is found by its code: another one with the same text and the same globals
    is the same function.
    """
    source = "\n".join([f"def {name}({', '.join(arguments)}):", *(f"    {x}" for x in lines)])
    return _function(name, source + "\n", tuple(sorted(names.items())))


@functools.cache
def _function(name: str, source: str, names: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    # A traceback shows the lines, and the rules for kernels are checked on them.
    filename = f"<expression {digest_of(source)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    module: dict[str, Any] = {**HELPERS, **dict(names), "__name__": MODULE}
    exec(compile(source, filename, "exec"), module)  # noqa: S102  our own generated text
    made: Callable[..., Any] = module[name]
    return made
