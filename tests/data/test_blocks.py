"""Cuts into blocks, batches, row groups and files change nothing; importing stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import admf_fast.data
from admf_fast.data import BarDigest, concat_blocks, open_bars
from admf_fast.data.block import BarBlock

CUTS = st.lists(st.integers(1, 12), min_size=1, max_size=20)


def cut(table, sizes):
    batches, start = [], 0
    whole = table.combine_chunks().to_batches()[0]
    while start < whole.num_rows:
        size = sizes[len(batches) % len(sizes)]
        batches.append(whole.slice(start, size))
        start += size
    return batches


def dirty(kit):
    """A table that exercises every policy: drops of all kinds, gaps, -0.0, a range."""
    columns = kit.columns(60)
    columns["timestamp"][20:] += 5 * kit.minute_ns
    columns["timestamp"][33] = columns["timestamp"][32]
    for name in ("open", "high", "low", "close", "volume"):
        columns[name][33] = columns[name][32]
    columns["timestamp"][40] += 7
    columns["high"][[3, 45]] = 0.0
    columns["close"][50] = float("nan")
    columns["volume"][10] = -0.0
    return kit.table(columns)


POLICIES = {
    "missing": "drop",
    "invalid": "drop",
    "duplicates": "drop",
    "off_grid": "drop",
    "start": "2024-01-01T00:05",
    "end": "2024-01-01T01:00",
}


def read_all(kit, batches):
    source = open_bars(kit.spec(**POLICIES), batches)
    digest = BarDigest()
    for block in source.blocks():
        digest.update(block)
    report = source.report()
    return digest.hexdigest(), report.dropped, report.gaps, report.rows_kept


@given(CUTS)
@settings(max_examples=50, deadline=None)
def test_d17_any_cut_gives_the_same_bars_and_report(kit, sizes):
    table = dirty(kit)
    expected = read_all(kit, cut(table, [60]))
    dropped = {"nonpositive": 2, "nan": 1, "duplicate": 1, "off_grid": 1, "range": 9}
    assert expected[1] == dropped
    assert read_all(kit, cut(table, sizes)) == expected


@given(CUTS, st.permutations("abc"))
@settings(max_examples=20, deadline=None)
def test_d12_any_layout_of_files_gives_the_same_digest(kit, sizes, names):
    table = kit.table(60)
    folder = kit.path().parent
    for at, name in enumerate(names):
        part = table.slice(at * 20, 20)
        with pq.ParquetWriter(folder / f"{name}.parquet", table.schema) as writer:
            for batch in cut(part, sizes):
                writer.write_batch(batch)
    assert kit.digest(kit.read(folder)) == kit.digest(kit.read(table))


@given(CUTS)
@settings(max_examples=20, deadline=None)
def test_d23_digest_is_of_the_content_alone(kit, sizes):
    bars = kit.read(kit.table(60))
    digest = BarDigest()
    start = 0
    while start < len(bars):
        size = sizes[start % len(sizes)]
        digest.update(bars.slice(start, start + size))
        start += size
    assert digest.hexdigest() == kit.digest(bars)


@pytest.mark.parametrize("column", range(6))
def test_d23_digest_sees_every_column_and_the_order(kit, column):
    bars = kit.read(kit.table(5))
    changed = [c.copy() for c in bars.columns()]
    changed[column][4] += 1
    assert kit.digest(BarBlock(*changed)) != kit.digest(bars)
    swapped = list(bars.columns())
    swapped[1], swapped[4] = swapped[4], swapped[1]
    assert kit.digest(BarBlock(*swapped)) != kit.digest(bars)
    assert kit.digest(bars.slice(0, 4)) != kit.digest(bars)


def test_block_is_views(kit):
    bars = kit.read(kit.table())
    part = bars.slice(2, 5)
    assert len(part) == 3
    assert part.close.base is not None
    assert part.ts_ns[0] == bars.ts_ns[2]
    assert len(concat_blocks([])) == 0
    assert len(concat_blocks([part, bars])) == 15


def test_all_blocks_have_one_array_type(kit):
    columns = kit.columns(40)
    columns["volume"][30] = -0.0
    table = kit.table(columns).set_column(1, "open", pa.array(columns["open"].astype("float32")))
    for block in open_bars(kit.spec(), table.to_batches(10)).blocks():
        for array in block.columns():
            assert array.flags.c_contiguous
            assert array.flags.aligned
            assert not array.flags.writeable


RESIDENT = """
import os, sys
from admf_fast.data import BarSpec, open_bars
resident = []
for _ in open_bars(BarSpec(sys.argv[1], symbol="X", timeframe="1m", stamp="open")).blocks():
    with open("/proc/self/statm") as statm:
        resident.append(int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
print(max(resident) - resident[8])
"""


def test_d17_memory_is_flat_while_reading(kit):
    """In a process of its own: here earlier tests left free memory that would hide a growth."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("resident memory is read from /proc")
    options = {"compression": "none", "use_dictionary": False, "row_group_size": 1 << 16}
    path = kit.write(kit.table(1_200_000), **options)
    grown = int(run_python(RESIDENT, str(path)))
    size = path.stat().st_size
    path.unlink()
    assert grown < size // 4


def run_python(code, *args):
    root = Path(admf_fast.data.__file__).parents[2]
    command = [sys.executable, "-c", code, *args]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_import_is_lazy():
    heavy = ("pyarrow.csv", "pyarrow.dataset", "pyarrow.compute", "pandas", "polars", "duckdb")
    code = f"import sys, admf_fast.data; print([m for m in {heavy} if m in sys.modules])"
    assert run_python(code) == "[]"


def test_arrows_point_one_way():
    allowed = {"numpy", "pyarrow", "msgspec", "xxhash", *sys.stdlib_module_names}
    ours = ("admf_fast.data", "admf_fast.errors", "admf_fast.atomic",
            "admf_kernels.timeframe", "admf_kernels.errors", "admf_kernels.actions",
            "admf_kernels.clock")  # fmt: skip
    for path in Path(admf_fast.data.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module]
            for module in modules:
                known = module.partition(".")[0] in allowed or module.startswith(ours)
                assert known, (path, module)
