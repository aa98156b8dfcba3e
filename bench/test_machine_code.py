"""What the compiler made of the kernels, read in its assembly: no clock can be unlucky here."""

import functools
import platform
import re
from typing import Any

import pytest

from admf_kernels import Indicator, drivers, get, make_terms, names, numeric
from admf_kernels.codegen import eights, engine, lanes, run, scan
from admf_kernels.codegen.engine import Form
from admf_kernels.compiler import build, closure, toolchain
from admf_kernels.compiler.folding import NO_FACTS, Facts
from admf_kernels.execution.costs import standard_fee
from admf_kernels.execution.records import Desk, expose
from admf_kernels.execution.terms import Terms, Uses
from admf_kernels.execution.uses import EDITIONS, left_out, no_size

FUSED = re.compile(r"\bvf(?:n?m)(?:add|sub)\w*")
PACKED_CHOICE = re.compile(r"\bv(?:max|min|cmp\w*|blend\w*)pd\b.*%[yz]mm")
PACKED_PRODUCT = re.compile(r"\bvmulpd\b.*%[yz]mm")
DIVISION = re.compile(r"\bvdiv\w+")
WIDE = re.compile(r"%[yz]mm")
X86 = platform.machine() in ("x86_64", "AMD64")
AVX2 = X86 and "+avx2" in toolchain.cpu()["features"].split(",")

pytestmark = pytest.mark.skipif(not AVX2, reason="reads the mnemonics of AVX2 and later")


class Assembler:
    """A target machine that also keeps the assembly of what it emits."""

    def __init__(self, machine: Any) -> None:
        self._machine = machine
        self.text = ""

    def emit_object(self, module: Any) -> bytes:
        self.text = self._machine.emit_assembly(module)
        return self._machine.emit_object(module)


def assembly(
    source: str, functions: Any, kernel_names: dict[str, Any], facts: Facts = NO_FACTS
) -> str:
    """Return the assembly of a driver, compiled as for the cache but not stored in it."""
    assembler = Assembler(toolchain.target_machine())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toolchain, "target_machine", lambda: assembler)
        names = {**drivers.ACCESS, **drivers.BITS, **kernel_names}
        build.to_object("read", source, functions, names, facts)
    return assembler.text


@functools.cache
def assembly_of(name: str) -> str:
    kernel: Any = get(name)
    known = {"Window": numeric.Window, "nan": numeric.nan, **drivers._kernel_names(kernel)}
    return assembly(scan.source(kernel, hashed=False), [kernel.step], known)


def calls_fma(name: str) -> bool:
    return numeric.fma in closure.reachable([get(name).step])


@pytest.mark.parametrize("name", names(Indicator))
def test_fused_only_where_written(name: str) -> None:
    """Products and sums are fused where the kernel says `fma`, and nowhere else."""
    assert bool(FUSED.search(assembly_of(name))) == calls_fma(name)


def test_trading_is_never_fused() -> None:
    """Fills, cash and equity are rounded after every operation."""
    kernel: Any = get("sma_cross")
    source = run.source(kernel, ("fast", "slow"), Form(make_terms().uses))

    text = assembly(source, [kernel.step, *drivers.AROUND], drivers._names(kernel))

    assert not FUSED.search(text)
    for edition in EDITIONS:
        assert not FUSED.search(assembly_of_the_engine(edition))
    assert not FUSED.search(assembly_of_the_engine(EDITIONS[0], engine.brief_source()))


@functools.cache
def assembly_of_lanes() -> str:
    kernel: Any = get("sma_cross")
    source = lanes.source(kernel, ("fast", "slow"), Form(make_terms().uses))
    functions = [kernel.step, *drivers.AROUND, *eights.CALLED]
    return assembly(source, functions, {**drivers._names(kernel), **eights.names()})


def loops_of(text: str) -> list[str]:
    """Return the innermost loops without ways around in them."""
    pattern = r"^(\.LBB\w+):((?:\n(?!\.LBB).*)*?\n\tj\w+\t\1$)"
    return [loop for _, loop in re.findall(pattern, text, re.MULTILINE)]


def test_eight_bars_are_marked_together_in_registers() -> None:
    """One loop marks quiet bars: packed, one division for eight of them, and nothing is written.

    Not on the stack either: a sum that the compiler keeps there waits for itself on every turn.
    """
    marking = [loop for loop in loops_of(assembly_of_lanes()) if DIVISION.search(loop)]
    assert marking, "no loop marks bars together"

    for loop in marking:
        assert len(DIVISION.findall(loop)) == 1
        assert len(PACKED_PRODUCT.findall(loop)) >= 4
        assert not re.search(r"\bvmov\w+\s+%[xyz]mm\d+, \S*\(", loop)


def test_wishes_are_packed_and_nothing_of_a_lane_is_fused() -> None:
    """A strategy without a memory is asked about several bars at once."""
    text = assembly_of_lanes()
    written = re.compile(r"\bvmovup\w\s+%[yz]mm\d+, \S*\(%(?!rsp|rbp)")
    asking = [loop for loop in loops_of(text) if PACKED_CHOICE.search(loop)]

    assert any(written.search(loop) for loop in asking)
    assert not FUSED.search(text)


def assembly_of_the_engine(edition: Uses, source: str = "") -> str:
    names = {f.__name__: f for f in (*drivers.ENGINE, expose)}
    names |= {"Terms": Terms, "Desk": Desk, "fee_of": standard_fee, "size_of": no_size}
    functions = [*drivers.ENGINE, expose, standard_fee, no_size]
    return assembly(source or engine.source(edition), functions, names, {Uses: left_out(edition)})


@pytest.mark.parametrize("name", ["largest_of_four", "smallest_of_four", "true_range"])
def test_choices_are_made_for_several_bars_at_once(name: str) -> None:
    assert PACKED_CHOICE.search(assembly_of(name))


@pytest.mark.parametrize("name", [n for n in names(Indicator) if not get(n).stateful])
def test_stateless_kernels_are_vectorised_over_time(name: str) -> None:
    assert WIDE.search(assembly_of(name))
