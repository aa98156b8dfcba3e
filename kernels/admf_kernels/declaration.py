"""What is checked of a kernel's declaration when it is registered."""

import inspect
from collections.abc import Callable
from typing import Any

from admf_kernels import layout
from admf_kernels.contract import Indicator, Kernel
from admf_kernels.errors import KernelError
from admf_kernels.layout import Empty


def derive_constants(
    params: type, prepare: Callable[[Any], Any] | None
) -> tuple[type, Callable[[Any], Any]]:
    """Return the constants class and the function that prepares it from Params."""
    if prepare is None:
        return params, lambda p: p
    constants = inspect.get_annotations(prepare, eval_str=True).get("return")
    if constants is None:
        raise KernelError(f"{prepare.__qualname__}: annotate the NamedTuple it returns")
    layout.fields_of(constants)
    return constants, prepare


def check_arguments(kernel: Kernel, known: tuple[str, ...]) -> None:
    """Refuse a step whose arguments are not all known by name."""
    for name in kernel.arguments:
        if name not in known:
            raise KernelError(
                f"{kernel.name}: argument {name!r} is bound to nothing; "
                f"expected any of {', '.join(known)}"
            )
    if not kernel.stateful and kernel.state is not Empty:
        raise KernelError(f"{kernel.name}: it declares a state but takes no argument 's'")


def check_inputs(kernel: Indicator) -> None:
    """Refuse a lag or a window of something that is no column among the inputs."""
    for name, declared in kernel.inputs.items():
        if not isinstance(declared, str) and declared.of not in kernel.sources:
            raise KernelError(
                f"{kernel.name}: input {name!r} is made of {declared.of!r}, which is no column "
                f"among its inputs; expected one of {', '.join(kernel.sources) or 'none'}"
            )
