"""What the compiled code depends on besides its source: versions and the CPU."""

import functools
import hashlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import llvmlite.binding as llvm

from admf_kernels.errors import KernelError

OBJECT_FORMAT = 1


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions that enter the cache key and the run manifest."""
    packages = ("numba", "llvmlite", "numpy")
    found = {name: importlib.metadata.version(name) for name in packages}
    return {"python": platform.python_version(), **found}


@functools.cache
def cpu() -> dict[str, str]:
    """Return name and features of the CPU that code is compiled for."""
    features = llvm.get_host_cpu_features()
    return {
        "name": llvm.get_host_cpu_name(),
        "features": ",".join(
            f"{'+' if on else '-'}{name}" for name, on in sorted(features.items())
        ),
    }


@functools.cache
def digest() -> str:
    """Return the sha256 of everything here; part of the key of every cached object."""
    hashed = hashlib.sha256(f"{OBJECT_FORMAT} {sys.byteorder}".encode())
    # NUMBA_OPT, NUMBA_BOUNDSCHECK and their like change the code that is made.
    settings = {name: os.environ[name] for name in os.environ if name.startswith("NUMBA_")}
    for name, value in sorted({**versions(), **cpu(), **settings}.items()):
        hashed.update(f"{name}={value}\0".encode())
    # How `fma`, `at` and their like are compiled is written here, not in what kernels reach.
    for path in sorted(Path(__file__).parent.glob("*.py")):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


@functools.cache
def initialize() -> None:
    """Prepare LLVM for the host; refuses machines outside the contract."""
    if sys.byteorder != "little" or sys.maxsize < 2**63 - 1:
        raise KernelError("admf needs a 64-bit little-endian machine")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def target_machine() -> llvm.TargetMachine:
    """Return the machine code is made for: this CPU, all its features."""
    initialize()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu()["name"],
        features=cpu()["features"],
        opt=3,
        reloc="pic",
        # Constants and tables of jumps are reached from where the code is; with the model that a
        # just-in-time compiler takes for granted each has an address of 64 bits to be made first.
        # `load` keeps the parts of an object together, so that the distances fit.
        codemodel="small",
    )
