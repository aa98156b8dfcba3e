"""Every kernel by name; a kernel that is registered is tested, benchmarked and documented."""

import difflib
import importlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from admf_kernels.bundle import Bundle
from admf_kernels.contract import (
    ACCOUNT_ARGUMENTS,
    ADJUSTMENT,
    BAR_COLUMNS,
    CLOCK_COLUMNS,
    DRIVER_ARGUMENTS,
    PRICE_COLUMNS,
    Bars,
    Composite,
    Indicator,
    Input,
    Kernel,
    Strategy,
)
from admf_kernels.declaration import check_arguments, check_inputs, derive_constants
from admf_kernels.errors import KernelError, UnknownKernelError
from admf_kernels.execution.terms import REQUESTS_MAX
from admf_kernels.layout import Empty, fields_of
from admf_kernels.parameters import Rule

_kernels: dict[str, Kernel] = {}
K = TypeVar("K", bound=Kernel)

BUILTIN = ("admf_kernels.indicators", "admf_kernels.strategies")


def _register(kernel: K) -> K:
    """Enter a built-in kernel; kernels of other modules are reached as ``module:name``."""
    fields_of(kernel.params), fields_of(kernel.state)
    if kernel.step.__module__.startswith("admf_kernels."):
        if kernel.name in _kernels:
            raise KernelError(f"two kernels are named {kernel.name!r}; rename one")
        _kernels[kernel.name] = kernel
    return kernel


def indicator(
    *,
    inputs: Mapping[str, Input],
    warmup_bars: Bars,
    params: type = Empty,
    state: type = Empty,
    outputs: Sequence[str] = ("value",),
    prepare: Callable[[Any], Any] | None = None,
    renew_bars: Bars | None = None,
    rules: Sequence[Rule] = (),
) -> Callable[[Callable[..., Any]], Indicator]:
    """Make a function an `Indicator`; see `admf_kernels.contract` for what it is handed.

    Parameters
    ----------
    inputs : mapping
        Argument name to default column (``"close"``), ``lag(...)`` or ``window(...)``.
    warmup_bars, renew_bars : int, parameter name or function of the params
        Bars until the first valid value; bars between two renewals.
    params, state : NamedTuple classes
        Fields are float, int or bool; ``Annotated[int, Between(1, 500)]`` gives a range.
    prepare : function of the params, optional
        Returns the constants ``c``; annotate the NamedTuple it returns.
    rules : sequence of Rule
        Relations between parameters.
    """

    def made(step: Callable[..., Any]) -> Indicator:
        constants, prepared = derive_constants(params, prepare)
        kernel = Indicator(
            step.__name__, step, params, state, constants, prepared, tuple(rules),
            dict(inputs), tuple(outputs), warmup_bars, renew_bars,
        )  # fmt: skip
        check_arguments(kernel, (*DRIVER_ARGUMENTS, *inputs))
        check_inputs(kernel)
        return _register(kernel)

    return made


def composite(
    *,
    inputs: Mapping[str, str],
    params: type = Empty,
    outputs: Sequence[str] = ("value",),
    rules: Sequence[Rule] = (),
) -> Callable[[Callable[..., Any]], Composite]:
    """Make a function of ``(params, *sources)`` that returns a feature a `Composite`."""

    def made(step: Callable[..., Any]) -> Composite:
        kernel = Composite(
            step.__name__, step, params, Empty, params, lambda p: p, tuple(rules),
            dict(inputs), tuple(outputs),
        )  # fmt: skip
        return _register(kernel)

    return made


def bundle(
    *,
    inputs: Mapping[str, str],
    outputs: Sequence[str],
    params: type = Empty,
    rules: Sequence[Rule] = (),
) -> Callable[[Callable[..., Any]], Bundle]:
    """Make a function of ``(params, *sources)`` a `Bundle`: a composite of several outputs.

    It returns a feature that has outputs of just these names.
    """

    def made(step: Callable[..., Any]) -> Bundle:
        kernel = Bundle(
            step.__name__, step, params, Empty, params, lambda p: p, tuple(rules),
            dict(inputs), tuple(outputs),
        )  # fmt: skip
        return _register(kernel)

    return made


def strategy(
    *,
    params: type = Empty,
    state: type = Empty,
    features: Callable[[Any], Mapping[str, Any]] = lambda p: {},
    prepare: Callable[[Any], Any] | None = None,
    rules: Sequence[Rule] = (),
    orders: int = 0,
) -> Callable[[Callable[..., Any]], Strategy]:
    """Make a function a `Strategy`; `features` maps argument names to features.

    The step returns the signal, the wanted exposure in [-1, 1]; it is called from the
    first bar on which all its features are valid, before that the signal is 0. With
    ``orders=n`` it returns a tuple of `n` requests (`admf_kernels.orders`) instead.
    """
    if not 0 <= orders <= REQUESTS_MAX:
        raise KernelError(f"expected orders from 0 to {REQUESTS_MAX}, found {orders}")

    def made(step: Callable[..., Any]) -> Strategy:
        constants, prepared = derive_constants(params, prepare)
        kernel = Strategy(
            step.__name__, step, params, state, constants, prepared, tuple(rules), features, orders
        )
        _check_strategy(kernel)
        return _register(kernel)

    return made


def _check_strategy(kernel: Strategy) -> None:
    names: Sequence[str]
    try:
        names = tuple(kernel.features(kernel.params()))
    except TypeError:  # a parameter without default: take the arguments on trust until a run
        names = tuple(a for a in kernel.arguments if a not in ("c", "s"))
    taken = set(names) & {
        *BAR_COLUMNS, *CLOCK_COLUMNS, ADJUSTMENT, *ACCOUNT_ARGUMENTS, *DRIVER_ARGUMENTS,
    }  # fmt: skip
    if taken:
        raise KernelError(f"{kernel.name}: a feature cannot be named {sorted(taken)[0]!r}")
    columns = ("ts_ns", *PRICE_COLUMNS, *CLOCK_COLUMNS, ADJUSTMENT)
    check_arguments(kernel, ("c", "s", *columns, *ACCOUNT_ARGUMENTS, *names))


def names(kind: type[Kernel] | tuple[type[Kernel], ...] = Kernel) -> list[str]:
    """Return the names of the built-in kernels of a kind, sorted."""
    _load_builtin()
    return sorted(n for n, k in _kernels.items() if isinstance(k, kind))


def get(name: str) -> Kernel:
    """Return a kernel by its name, or by ``module:name`` for one of your own.

    Raises UnknownKernelError with the nearest name, or with why the module failed.
    """
    _load_builtin()
    if ":" in name:
        return _from_module(*name.split(":", 1))
    if name not in _kernels:
        near = difflib.get_close_matches(name, _kernels, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "own kernels are named module:name"
        raise UnknownKernelError(f"no kernel is named {name!r}; {hint}")
    return _kernels[name]


def import_own(module: str, name: str) -> Any:
    """Return a module of the user's own, imported for the sake of `name`.

    Raises UnknownKernelError with why it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise UnknownKernelError(
            f"{name}: cannot import {module!r} ({error}); "
            "put its folder beside the configuration or on PYTHONPATH"
        ) from error
    except KernelError:
        raise
    except Exception as error:  # whatever the user's module does when it is imported
        raise UnknownKernelError(
            f"{name}: {module!r} fails when it is imported: "
            f"{type(error).__name__}: {error}{_line_of(error)}"
        ) from error


def _from_module(module: str, attribute: str) -> Kernel:
    loaded = import_own(module, f"{module}:{attribute}")
    found = getattr(loaded, attribute, None)
    if not isinstance(found, Kernel):
        what = type(found).__name__ if hasattr(loaded, attribute) else "no such name"
        where = getattr(loaded, "__file__", None) or "no file, it is part of Python"
        raise UnknownKernelError(
            f"{module}:{attribute}: expected a kernel made by @indicator or @strategy, "
            f"found {what}; {module!r} was loaded from {where}: if that is not your module, "
            "rename yours"
        )
    return found


def _line_of(error: Exception) -> str:
    """Return `` (file:line)`` of the innermost frame of an error, or of a syntax error."""
    if isinstance(error, SyntaxError):
        return ""  # its text says so
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def _load_builtin() -> None:
    for module in BUILTIN:
        importlib.import_module(module)
