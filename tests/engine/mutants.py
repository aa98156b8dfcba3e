"""Copies of the engine with one line changed, to see whether the tests notice."""

import importlib
import linecache
import sys
from types import ModuleType
from typing import Any

PACKAGE = "admf_kernels.execution"
# Everything that decides, in the order of its imports; records and tables stay as they are.
MODULES = (
    "orders", "costs", "portfolio", "brackets", "following", "sizing", "risk", "matching", "fills",
    "entries", "requests", "actions", "aging", "news", "bar",
)  # fmt: skip
# What has a compiled form, found by identity.
KEPT = {"orders": ("order_at",), "requests": ("request_at",)}
# What plain Python and the engine driver call.
CALLED = {
    "open_bar": "bar", "decide": "bar", "take_requests": "requests", "close_bar": "bar",
    "heed": "matching",
}  # fmt: skip
_alive: list[Any] = []  # compiled functions are remembered by their address


def mutant(module: str, *changes: tuple[str, str]) -> dict[str, Any]:
    """Return what drivers call of an engine in which texts of a module are replaced."""
    honest = {name: importlib.import_module(f"{PACKAGE}.{name}") for name in MODULES}
    made: dict[str, Any] = {}
    try:
        for name, original in honest.items():
            made[name] = _copy(name, original, changes if name == module else ())
            sys.modules[f"{PACKAGE}.{name}"] = made[name]
    finally:
        for name, original in honest.items():
            sys.modules[f"{PACKAGE}.{name}"] = original
    _alive.append(made)
    return {name: getattr(made[module], name) for name, module in CALLED.items()}


def _copy(name: str, original: ModuleType, changes: tuple[tuple[str, str], ...]) -> ModuleType:
    assert original.__file__
    with open(original.__file__, encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        assert old in text, f"{name} does not say {old!r}"
        text = text.replace(old, new)
    filename = f"<{name} {len(_alive)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    module = ModuleType(f"{PACKAGE}.{name}")
    exec(compile(text, filename, "exec"), module.__dict__)
    for kept in KEPT.get(name, ()):
        setattr(module, kept, getattr(original, kept))
    return module
