"""Everything a kernel reaches: the functions it calls, directly or not, and their digest.

Numba's own cache sees edits of one file only. Here the key is made of the code objects
that would be compiled, followed through every name they use, so an edit of a helper in
another module gives another key.
"""

import dis
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
        _hash_code(hashed, function.__code__)
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
    held: Any = None
    path = ""
    for instruction in dis.get_instructions(function):
        name = instruction.argval
        if instruction.opname == "LOAD_GLOBAL" and name in function.__globals__:
            path, held = name, function.__globals__[name]
            yield path, held
        elif instruction.opname in ATTRIBUTE_LOADS and isinstance(held, types.ModuleType):
            path, held = f"{path}.{name}", getattr(held, name, None)
            yield path, held
        elif instruction.opname not in ("PRECALL", "CACHE", "PUSH_NULL"):
            held = None


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
