"""What containers share: their object graphs walked, and their memory laid side by side."""

import gc
import types
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import msgspec
import numpy as np
import pyarrow as pa

from admf_fast.calendars import Calendar
from admf_fast.config import Config
from admf_fast.events import EventBus
from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.compiler.load import Native
from admf_kernels.contract import Feature, Kernel, Output

# Declared immutable, code among them: what may be reached from any number of containers.
IMMUTABLE: tuple[type, ...] = (
    Config, Calendar, Clock, Actions, Native, Kernel, Feature, Output, llvm.ExecutionEngine,
    type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, types.CodeType,
    types.MethodDescriptorType, types.WrapperDescriptorType, types.GetSetDescriptorType,
    type(None), bool, int, float, complex, str, bytes, range, slice, np.generic, np.dtype,
    pa.DataType, pa.Schema, pa.Field, pa.Array,
)  # fmt: skip
HOLDING = (tuple, frozenset, types.MappingProxyType, types.MethodType)


class Reference(NamedTuple):
    """Something changeable that two containers can reach.

    `path` leads to it from the container asked, as attributes and items; `other` is the id of
    the container that reaches it, too.
    """

    path: str
    kind: str
    other: str


def living(kind: type) -> list[Any]:
    """Return all objects of a kind that are alive in this process."""
    # Not isinstance, which asks a weak proxy for the class of what may be gone.
    return [found for found in gc.get_objects() if issubclass(type(found), kind)]


def external_references(containers: Sequence[Any]) -> list[list[Reference]]:
    """Return for each container what it shares with others of them.

    All that can be reached from a container is walked, attributes, items and closures included;
    what is declared immutable is passed over, and so are the subscribers of its event bus. Of
    arrays the memory is compared as well, so that two views of one buffer are found.
    """
    reached = [list(_reachable(container)) for container in containers]
    owners: dict[int, list[int]] = {}
    for number, found in enumerate(reached):
        for _, thing in found:
            owners.setdefault(id(thing), []).append(number)
    overlaps = _overlaps(reached)
    made = []
    for number, found in enumerate(reached):
        shared = []
        for path, thing in found:
            others = {*owners[id(thing)], *overlaps.get((number, id(thing)), ())} - {number}
            if others and not _only_holds(thing):
                other = containers[min(others)].container_id
                shared.append(Reference(path, type(thing).__name__, other))
        made.append(shared)
    return made


def _only_holds(thing: Any) -> bool:
    """Return whether something cannot change itself, only what it holds."""
    if isinstance(thing, HOLDING):
        return True
    kind = type(thing)
    made = getattr(kind, "__struct_config__", None) or getattr(kind, "__dataclass_params__", None)
    return bool(made is not None and made.frozen)


def _reachable(container: Any) -> Iterator[tuple[str, Any]]:
    """Yield path and object of all that a container reaches and that is not immutable."""
    seen: dict[int, Any] = {id(container): container}
    waiting: list[tuple[str, Any]] = [("", container)]
    while waiting:
        path, thing = waiting.pop()
        yield path, thing
        for name, held in _held(thing):
            if id(held) not in seen and not _is_immutable(held):
                seen[id(held)] = held  # kept, so that no other object takes its id
                waiting.append((path + name, held))


def _is_immutable(thing: Any) -> bool:
    if isinstance(thing, types.FunctionType):
        return thing.__closure__ is None
    return isinstance(thing, IMMUTABLE)


def _held(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds, with how it is reached."""
    if isinstance(thing, EventBus):
        yield ".owner", thing.owner
    elif isinstance(thing, dict | types.MappingProxyType):
        for key, value in thing.items():
            yield f"[{key!r}]" if isinstance(key, str | int) else "[key]", value
            yield ".key", key
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from ((f"[{k}]", value) for k, value in enumerate(thing))
    elif isinstance(thing, np.ndarray):
        yield ".base", thing.base
    elif isinstance(thing, memoryview):
        yield ".obj", thing.obj
    elif isinstance(thing, types.FunctionType):
        for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            yield f".{name}", cell
    elif isinstance(thing, msgspec.Struct):
        yield from ((f".{name}", getattr(thing, name)) for name in thing.__struct_fields__)
    else:
        yield from _attributes(thing)


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds by attribute, and what only the collector knows of."""
    own = getattr(thing, "__dict__", None)
    named = dict(own) if isinstance(own, dict) else {}
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name) and name not in ("__dict__", "__weakref__"):
                named[name] = getattr(thing, name)
    yield from ((f".{name}", value) for name, value in named.items())
    for value in gc.get_referents(thing):
        if value is not own:
            yield ".*", value


def _overlaps(reached: Sequence[Sequence[tuple[str, Any]]]) -> dict[tuple[int, int], list[int]]:
    """Return by container and array the other containers with an array over the same memory."""
    spans = []
    for number, found in enumerate(reached):
        for _, thing in found:
            if isinstance(thing, np.ndarray) and thing.nbytes:
                first, last = np.lib.array_utils.byte_bounds(thing)
                spans.append((first, last, number, id(thing)))
    spans.sort()
    made: dict[tuple[int, int], list[int]] = {}
    open_: list[tuple[int, int, int, int]] = []
    for span in spans:
        open_ = [before for before in open_ if before[1] > span[0]]
        for before in open_:
            if before[2] != span[2]:
                made.setdefault(span[2:], []).append(before[2])
                made.setdefault(before[2:], []).append(span[2])
        open_.append(span)
    return made
