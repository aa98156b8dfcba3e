"""Everything a kernel reaches: the functions it calls, directly or not, and their digest.

Numba's own cache sees edits of one file only. Here the key is made of the code objects
that would be compiled, followed through every name they use, so an edit of a helper in
another module gives another key.
"""

import hashlib
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from admf_kernels.errors import RuleError

Function = Callable[..., Any]


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
            pending.extend(v for _, v in _used(function) if isinstance(v, types.FunctionType))
    return list(found.values())


def digest(functions: Iterable[Function]) -> str:
    """Return the sha256 of all code and constants that `functions` reach."""
    hashed = hashlib.sha256()
    for function in reachable(functions):
        hashed.update(f"{function.__module__}.{function.__qualname__}\0".encode())
        _hash_code(hashed, function.__code__)
        for name, value in _used(function):
            if not isinstance(value, types.FunctionType):
                hashed.update(f"{name}={_describe(name, value, function)}\0".encode())
    return hashed.hexdigest()


def _used(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the globals and closure cells a function names, modules followed one step."""
    code = function.__code__
    cells = function.__closure__ or ()
    yield from zip(code.co_freevars, (c.cell_contents for c in cells), strict=True)
    for name in code.co_names:
        if name in function.__globals__:
            value = function.__globals__[name]
            yield name, value
            if isinstance(value, types.ModuleType):
                members = ((n, getattr(value, n, None)) for n in code.co_names)
                yield from ((n, m) for n, m in members if isinstance(m, types.FunctionType))


def _hash_code(hashed: Any, code: types.CodeType) -> None:
    hashed.update(code.co_code)
    hashed.update(repr((code.co_names, code.co_varnames, code.co_argcount)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _hash_code(hashed, constant)
        else:
            hashed.update(repr(constant).encode())


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
