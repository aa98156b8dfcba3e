"""Everything a kernel reaches: the functions it calls, directly or not, and their digest.

Numba's own cache sees edits of one file only. Here the key is made of the code objects
that would be compiled, followed through every name they use, so an edit of a helper in
another module gives another key.
"""

import dis
import functools
import hashlib
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from admf_kernels.errors import RuleError

Function = Callable[..., Any]
ATTRIBUTE_LOADS = ("LOAD_ATTR", "LOAD_METHOD")


def reachable(functions: Iterable[Function]) -> list[types.FunctionType]:
    """Return the plain Python functions that `functions` reach, themselves included.

    Ordered by first use, so that the order does not depend on hashing.
    """
    found: dict[int, types.FunctionType] = {}
    pending = list(functions)
    while pending:
        function = pending.pop(0)
        if isinstance(function, types.FunctionType) and id(function) not in found:
            found[id(function)] = function
            pending.extend(v for _, v in used(function) if isinstance(v, types.FunctionType))
    return list(found.values())


def digest(functions: Iterable[Function]) -> str:
    """Return the sha256 of all code and constants that `functions` reach."""
    hashed = hashlib.sha256()
    for function in reachable(functions):
        hashed.update(f"{function.__module__}.{function.__qualname__}\0".encode())
        hashed.update(f"{function.__defaults__} {function.__kwdefaults__}\0".encode())
        hashed.update(bytes_of(function.__code__))
        for name, value in used(function):
            if not isinstance(value, types.FunctionType):
                hashed.update(f"{name}={_describe(name, value, function)}\0".encode())
    return hashed.hexdigest()


def used(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield what a function names outside itself: closure cells, globals, and what it takes
    from modules, as ``helpers.scale`` or ``package.helpers.K``.
    """
    cells = function.__closure__ or ()
    names = function.__code__.co_freevars
    yield from zip(names, (c.cell_contents for c in cells), strict=True)
    for path, *attributes in _loads(function.__code__):
        if path not in function.__globals__:
            continue
        held = function.__globals__[path]
        yield path, held
        for name in attributes:
            if not isinstance(held, types.ModuleType):
                break
            path, held = f"{path}.{name}", getattr(held, name, None)  # noqa: PLW2901
            yield path, held


# Reading the instructions of code is what takes time, and code does not change; what its names
# stand for may, and is looked up every time.
@functools.cache
def _loads(code: types.CodeType) -> tuple[tuple[str, ...], ...]:
    """Return each global that code loads, and the attributes that it takes of it at once."""
    loads: list[tuple[str, ...]] = []
    goes_on = False
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            loads.append((instruction.argval,))
            goes_on = True
        elif instruction.opname in ATTRIBUTE_LOADS and goes_on:
            loads[-1] += (instruction.argval,)
        elif instruction.opname not in ("PRECALL", "CACHE", "PUSH_NULL"):
            goes_on = False
    return tuple(loads)


@functools.cache
def bytes_of(code: types.CodeType) -> bytes:
    """Return all of code that enters a digest, that of functions inside included."""
    names = (code.co_names, code.co_varnames, code.co_argcount)
    parts = [code.co_code, repr(names).encode()]
    for constant in code.co_consts:
        inner = isinstance(constant, types.CodeType)
        parts.append(bytes_of(constant) if inner else repr(constant).encode())
    return b"".join(parts)


def _describe(name: str, value: Any, function: types.FunctionType) -> str:
    """Return the text of a global that enters the digest; mutable globals are refused."""
    if isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, type) and hasattr(value, "_fields"):
        defaults = sorted(getattr(value, "_field_defaults", {}).items())
        return repr((value.__qualname__, value._fields, sorted(_hints(value).items()), defaults))
    if isinstance(value, (types.ModuleType, types.BuiltinFunctionType, type)):
        return f"{type(value).__name__} {getattr(value, '__name__', '')}"
    raise RuleError(
        f"{function.__module__}.{function.__qualname__} reads the global {name!r} "
        f"({type(value).__name__}); a kernel may use numbers, functions and NamedTuple classes "
        "of its module; pass anything else as a parameter, and leave helpers plain (no @njit)"
    )


def _hints(cls: type) -> dict[str, str]:
    return {name: repr(hint) for name, hint in cls.__annotations__.items()}
