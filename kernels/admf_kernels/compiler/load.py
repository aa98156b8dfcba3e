"""Object code to something callable, without Numba and without pickles."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm

from admf_kernels.compiler import toolchain
from admf_kernels.errors import KernelError

# Numba's calling convention: status f(result*, exception**, table*, start, stop).
PROTOTYPE = ctypes.CFUNCTYPE(
    ctypes.c_int32,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int64,
    ctypes.c_int64,
)


@dataclass(frozen=True, slots=True)
class Native:
    """A compiled driver in memory: its address, and what keeps the code alive."""

    name: str
    address: int
    engine: Any

    def caller(self) -> Callable[[int, int, int], int]:
        """Return ``call(table_address, start, stop) -> status`` for use from Python."""
        entry = PROTOTYPE(self.address)
        result = ctypes.c_int64(0)
        exception = ctypes.c_void_p(0)
        result_at, exception_at = ctypes.addressof(result), ctypes.addressof(exception)

        def call(table: int, start: int, stop: int) -> int:
            if entry(result_at, exception_at, table, start, stop):
                raise KernelError(f"the compiled driver {self.name} failed")
            return result.value

        return call


def load(name: str, symbol: str, code: bytes) -> Native:
    """Link object code into this process and return its entry point."""
    machine = toolchain.target_machine()
    # All parts of the object in one piece of memory: they reach each other by 32-bit distances.
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine, use_lmm=True)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Native(name, engine.get_function_address(symbol), engine)
