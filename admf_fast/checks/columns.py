"""All that a run computes, bar by bar, as bits: what checks compare."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from admf_fast.data import BarBlock
from admf_fast.errors import DataError
from admf_fast.runners.setup import Setup
from admf_kernels.errors import KernelError
from admf_kernels.layout import fields_of, pack
from admf_kernels.program import Program

Bits = NDArray[np.int64]
BLOCK = 16_384


class Columns(NamedTuple):
    """Every feature and every output of a run as int64 words, shape (names, bars).

    `final` is the state of every indicator after the last bar, by label of its feature.
    """

    names: tuple[str, ...]
    bits: Bits
    final: Mapping[str, bytes] = MappingProxyType({})

    def of(self, name: str) -> Bits:
        """Return the bits of one name."""
        found: Bits = self.bits[self.names.index(name)]
        return found

    def label_of(self, name: str) -> str:
        """Return the label of the feature that a name, such as that of one output, belongs to."""
        own = (label for label in self.final if name == label or name.startswith(f"{label}."))
        return next(own, name)

    def feature_names(self) -> list[str]:
        """Return the names of the features, in order of their computation."""
        return [name for name in self.names if name not in OUTPUTS]


OUTPUTS = ("signal", "lots", "cash", "equity", "events", "state")


def in_blocks(setup: Setup, bars: BarBlock, block_bars: int = BLOCK) -> Columns:
    """Run bars in blocks of so many and return what was computed."""
    program = setup.program(min(block_bars, max(1, len(bars))))
    names, places = _names(program)
    found = np.empty((len(names), len(bars)), np.int64)
    for first in range(0, len(bars), program.block_bars):
        piece = bars.slice(first, first + program.block_bars)
        try:
            rows = program.feed(*piece.columns())  # type: ignore[arg-type]
        except KernelError as error:
            raise DataError(str(error)) from error
        into = slice(first, first + len(piece))
        found[: len(places), into] = program.columns[places, rows].view(np.int64)
        for k, values in enumerate(_outputs(program), len(places)):
            found[k, into] = values[rows].view(np.int64)
    final = {p.label: pack(p.value).tobytes() for p in program.parts if fields_of(p.cls)}
    return Columns(names, found, final)


def one_by_one(setup: Setup, bars: BarBlock) -> Columns:
    """Run bars so that each is computed before the next one is in memory."""
    return in_blocks(setup, bars, 1)


def _names(program: Program) -> tuple[tuple[str, ...], list[int]]:
    """Return the name of every row, and the program's columns of the features among them."""
    names, places = [], []
    for feature in program.plan.features:
        outputs = feature.indicator.outputs
        for k, output in enumerate(outputs):
            names.append(feature.label + (f".{output}" if len(outputs) > 1 else ""))
            places.append(_place(program, feature) + k)
    return (*names, *OUTPUTS), places


def _place(program: Program, feature: object) -> int:
    plan = program.plan
    held = plan.held.get(feature)  # type: ignore[call-overload]
    return plan.nodes[feature].column if held is None else held  # type: ignore[index]


def _outputs(program: Program) -> list[NDArray[np.float64] | Bits]:
    made = program.per_bar
    return [made["signal"], made["lots"], made["cash"], made["equity"], made["sequence"],
            program.checksum]  # fmt: skip


def first_unequal(a: Bits, b: Bits) -> int:
    """Return the first place at which two rows differ; their length for none."""
    unequal = np.flatnonzero(a != b)
    return int(unequal[0]) if len(unequal) else len(a)


def shown(name: str, word: int) -> str:
    """Return a word of a row as a value, floats with their bits."""
    if name in ("lots", "events", "state"):
        return str(int(word))
    value = float(np.int64(word).view(np.float64))
    return f"{value!r} (0x{int(word) & (2**64 - 1):016x})"
