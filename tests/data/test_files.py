"""Files: damaged, changed, special, missing, several; manifests."""

from __future__ import annotations

import hashlib
import json
import os
import stat

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from admf_fast.data import describe, open_bars, parquet_file
from admf_fast.errors import BarError, ConfigError, DataError, DataFileError, SchemaError


def damaged(kit, path, content):
    copy = kit.path(path.name)
    copy.write_bytes(content)
    return copy


@pytest.mark.parametrize("name", ["bars.parquet", "bars.arrow"])
def test_d01_every_prefix_is_a_data_file_error(kit, name):
    if name.endswith("parquet"):
        path = kit.write(kit.table(40), row_group_size=16, compression="zstd")
    else:
        path = kit.path(name)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, kit.table().schema) as out:
            out.write_table(kit.table(40), max_chunksize=16)
    content = path.read_bytes()
    copy = kit.path(name)
    for length in range(len(content)):
        copy.write_bytes(content[:length])
        with pytest.raises(DataFileError, match=f"{copy}: "):
            kit.read(copy)
    copy.write_bytes(content)
    assert len(kit.read(copy)) == 40


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR", b"PAR1\0\0\0\0PAR1", b"x" * 500])
def test_d01_not_parquet_at_all(kit, content):
    path = kit.path()
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=r"bars.parquet: "):
        kit.read(path)


def test_d02_a_flipped_bit_in_a_page_is_found_by_its_checksum(kit):
    path = kit.write(kit.table(40), compression="none", use_dictionary=False)
    content = path.read_bytes()
    first = content.index(np.array([100.0, 101.0, 102.0]).tobytes())
    for bit in range(0, 8 * 8 * 40, 7):
        flipped = bytearray(content)
        flipped[first + bit // 8] ^= 1 << bit % 8
        with pytest.raises(DataFileError, match="corrupted"):
            kit.read(damaged(kit, path, flipped))


def test_d02_a_flipped_bit_anywhere_is_a_data_error_or_harmless(kit):
    """Without a manifest, header and footer bytes carry no checksum: never another exception."""
    path = kit.write(kit.table(20))
    content = path.read_bytes()
    copy = kit.path()
    for at in range(len(content)):
        flipped = bytearray(content)
        flipped[at] ^= 1 << at % 8
        copy.write_bytes(flipped)
        try:
            kit.read(copy)
        except DataError:
            continue


def test_d02_a_manifest_finds_every_flipped_bit(kit):
    path = kit.write(kit.table(20))
    write_manifest(path.parent, [path])
    content = path.read_bytes()
    for at in range(0, len(content), 3):
        flipped = bytearray(content)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        with pytest.raises(DataFileError, match="its sha256 is"):
            kit.read(path)


def test_d03_declared_sizes_are_limited(kit, monkeypatch):
    path = kit.write(kit.table(12), row_group_size=3)
    for name, limit in (("_ROW_GROUPS_MAX", 3), ("_ROWS_MAX", 11), ("_COLUMNS_MAX", 5)):
        with monkeypatch.context() as patch:
            patch.setattr(parquet_file, name, limit)
            with pytest.raises(DataFileError, match=r"its footer says .* expected at most"):
                kit.read(path)
    content = path.read_bytes()
    huge = content[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(DataFileError, match="no valid footer"):
        kit.read(damaged(kit, path, huge))


def test_d04_extension_types_are_refused(kit):
    kind = pa.opaque(pa.float64(), "x", "y")
    table = kit.table()
    array = pa.ExtensionArray.from_storage(kind, table["close"].combine_chunks())
    with pytest.raises(SchemaError, match=r"column close .*expected float64.* found extension"):
        kit.read(table.set_column(4, "close", array))


def test_d05_encrypted_footer(kit):
    path = kit.write(kit.table())
    with pytest.raises(DataFileError, match="its footer is encrypted"):
        kit.read(damaged(kit, path, path.read_bytes()[:-4] + b"PARE"))


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_d17_many_small_row_groups(kit, rows):
    expected = kit.digest(kit.read(kit.table(3000)))
    path = kit.write(kit.table(3000), row_group_size=rows)
    source = open_bars(kit.spec(path))
    assert source.rows_total == 3000
    assert kit.digest(kit.read(path)) == expected


def test_d17_an_empty_row_group(kit):
    path = kit.path()
    with pq.ParquetWriter(path, kit.table().schema) as writer:
        for rows in (0, 5, 0):
            writer.write_table(kit.table(rows))
    assert len(kit.read(path)) == 5


def test_d17_no_block_is_larger_than_65536_bars(kit):
    table = kit.table(200_000).combine_chunks()
    sizes = [len(block) for block in open_bars(kit.spec(), table).blocks()]
    assert sizes == [65_536, 65_536, 65_536, 200_000 - 3 * 65_536]


@pytest.mark.parametrize("how", ["replaced", "truncated", "touched"])
def test_d18_a_file_that_changes_is_refused(kit, how):
    path = kit.write(kit.table())
    source = open_bars(kit.spec(path))
    if how == "replaced":
        os.replace(kit.write(kit.table(11)), path)
    elif how == "truncated":
        os.truncate(path, 100)
    else:
        os.utime(path, ns=(0, 0))
    with pytest.raises(DataFileError, match="changed while in use"):
        list(source.blocks())


def test_d18_a_file_that_changes_during_the_pass_is_refused(kit):
    path = kit.write(kit.table(40_000))
    blocks = open_bars(kit.spec(path)).blocks()
    next(blocks)
    os.utime(path, ns=(0, 0))
    with pytest.raises(DataFileError, match="changed while in use"):
        list(blocks)


@pytest.mark.parametrize("what", ["missing", "folder", "fifo", "device", "long", "unreadable"])
def test_d19_only_regular_files(kit, what):
    path = kit.path()
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "device":
        path = "/dev/zero"
    elif what == "long":
        path = path.with_name("x" * 4000 + ".parquet")
    elif what == "unreadable":
        kit.write(kit.table()).rename(path)
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("permissions do not bind this user")
    with pytest.raises(DataFileError, match=f"{path}: "):
        kit.read(path, format="parquet")


def test_d19_a_link_out_of_the_folder(kit):
    outside = kit.write(kit.table())
    folder = kit.path().parent
    (folder / "link.parquet").symlink_to(outside)
    with pytest.raises(DataFileError, match=r"link\.parquet: is a link that leaves its folder"):
        kit.read(folder)
    assert len(kit.read(folder / "link.parquet")) == 12  # named by the user


def test_d19_nul_and_no_path(kit):
    for path in ("a\0b.parquet", "", []):
        with pytest.raises(ConfigError, match=r"bars\.path"):
            open_bars(kit.spec(path))


def parts(kit, cuts=(0, 5, 9, 20), names=("c", "a", "b")):
    """Files whose order by name is not their order in time."""
    folder = kit.path().parent
    table = kit.table(cuts[-1])
    for name, start, stop in zip(names, cuts[:-1], cuts[1:], strict=True):
        pq.write_table(table.slice(start, stop - start), folder / f"{name}.parquet")
    return folder


def test_d12_files_are_read_in_order_of_time(kit):
    expected = kit.digest(kit.read(kit.table(20)))
    folder = parts(kit)
    (folder / ".hidden.parquet").write_bytes(b"x")
    (folder / "_SUCCESS").write_bytes(b"")
    (folder / "part.parquet.tmp").write_bytes(b"x")
    assert kit.digest(kit.read(folder)) == expected
    assert kit.digest(kit.read(folder / "*.parquet")) == expected
    for order in ("abc", "cab", "bca"):
        files = [folder / f"{name}.parquet" for name in order]
        assert kit.digest(kit.read(files)) == expected


def test_d10_files_of_one_folder_may_differ_in_unit_zone_and_order(kit):
    folder = parts(kit)
    for name, kind in (("a", pa.timestamp("ms", "Asia/Tokyo")), ("b", pa.timestamp("s", "UTC"))):
        path = folder / f"{name}.parquet"
        table = pq.read_table(path)
        table = table.set_column(0, "Date", table["timestamp"].cast(kind))
        pq.write_table(table.select(list(reversed(table.column_names))), path)
    assert kit.digest(kit.read(folder)) == kit.digest(kit.read(kit.table(20)))


def test_d10_one_bad_schema_among_files_is_found_before_the_first_block(kit):
    folder = parts(kit)
    path = folder / "b.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["volume"]), path)
    with pytest.raises(SchemaError, match=r"b\.parquet: column volume is missing"):
        open_bars(kit.spec(folder))


def test_d12_overlapping_files_are_refused(kit):
    folder = parts(kit)
    pq.write_table(kit.table(20).slice(3, 6), folder / "a.parquet")
    with pytest.raises(BarError, match=r"a\.parquet: row 0.*before the last row of .*c\.parquet"):
        kit.read(folder)


def test_d12_the_same_file_twice_is_refused(kit):
    path = kit.write(kit.table())
    with pytest.raises(ConfigError, match="are the same file"):
        kit.read([path, path])


def test_d12_a_bar_in_two_files(kit):
    folder = parts(kit)
    pq.write_table(kit.table(20).slice(4, 5), folder / "a.parquet")
    with pytest.raises(BarError, match=r"a\.parquet: row 0.* duplicate .* at the end of .*c\."):
        kit.read(folder)
    assert len(kit.read(folder, duplicates="drop")) == 20


def write_manifest(folder, files):
    entries = [
        {"path": f.name, "sha256": hashlib.sha256(f.read_bytes()).hexdigest()} for f in files
    ]
    text = json.dumps({"format": "admf-bars/1", "files": entries})
    (folder / "manifest.json").write_text(text)


def test_d20_a_manifest_must_list_what_is_there(kit):
    folder = parts(kit)
    files = sorted(folder.glob("*.parquet"))
    write_manifest(folder, files)
    report = describe(open_bars(kit.spec(folder)))
    assert all(f.verified for f in report.files)
    write_manifest(folder, files[:2])
    with pytest.raises(DataFileError, match=r"c\.parquet: is not in the manifest\.json"):
        kit.read(folder)
    assert len(kit.read(files[2])) == 5  # named by the user: read, but not verified
    write_manifest(folder, files)
    files[0].unlink()
    with pytest.raises(DataFileError, match=r"manifest\.json lists a\.parquet, which is missing"):
        kit.read(folder)


def test_d20_a_broken_manifest_is_refused_and_a_foreign_one_ignored(kit):
    path = kit.write(kit.table())
    manifest = path.parent / "manifest.json"
    for text in ("{", '{"format": "admf-bars/1"}', "\xff"):
        manifest.write_text(text, "latin-1")
        with pytest.raises(DataFileError, match=r"manifest\.json: no valid manifest"):
            kit.read(path)
    manifest.write_text('{"name": "an app"}')
    assert len(kit.read(path)) == 12


def test_d20_an_empty_folder(kit):
    folder = kit.path().parent
    for path in (folder, folder / "*.parquet"):
        with pytest.raises(DataFileError, match="no file"):
            kit.read(path)


def test_d23_other_writer_settings_give_the_same_digest(kit):
    digests = {
        kit.digest(kit.read(kit.write(kit.table(500), **options)))
        for options in (
            {},
            {"compression": "gzip", "use_dictionary": False},
            {"version": "1.0", "data_page_version": "2.0", "coerce_timestamps": "us"},
            {"row_group_size": 7, "store_schema": False},
        )
    }
    assert len(digests) == 1


def test_h02_symbols(kit):
    for symbol in ("../x", "a/b", "x" * 65, "a\0", "..", "a b", "ä"):
        with pytest.raises(ConfigError, match=r"bars\.symbol"):
            kit.read(kit.table(), symbol=symbol)
    path = kit.write(kit.table(), "BRK.B_1m.parquet")
    assert open_bars(kit.spec(path, symbol="")).symbol == "BRK.B"
    with pytest.raises(ConfigError, match=r"bars\.symbol.*declare it"):
        kit.read(kit.table(), symbol="")


def test_h08_a_folder_of_too_many_files(kit, monkeypatch):
    monkeypatch.setattr("admf_fast.data.discover._FILES_MAX", 2)
    with pytest.raises(DataFileError, match="3 files, expected at most 2"):
        kit.read(parts(kit))


def test_metadata_declares_and_contradictions_are_refused(kit):
    metadata = {"admf.stamp": "close", "admf.timeframe": "1m", "admf.symbol": "ABC"}
    path = kit.write(kit.table().replace_schema_metadata(metadata))
    source = open_bars(kit.spec(path, stamp="", timeframe="", symbol=""))
    assert (source.spec.stamp, source.spec.timeframe, source.symbol) == ("close", "1m", "ABC")
    for name, other in (("stamp", "open"), ("timeframe", "5m"), ("symbol", "XYZ")):
        changes = {"stamp": "", "timeframe": "", "symbol": "", name: other}
        with pytest.raises(SchemaError, match=rf"its metadata says {name} .* expected '{other}'"):
            open_bars(kit.spec(path, **changes))


def test_relative_paths_start_at_base_dir(kit):
    path = kit.write(kit.table())
    source = open_bars(kit.spec("bars.parquet"), base_dir=path.parent)
    assert describe(source).files[0].path == "bars.parquet"


def test_report_of_a_file(kit):
    path = kit.write(kit.table(30))
    assert stat.S_ISREG(path.stat().st_mode)
    source = open_bars(kit.spec(path))
    before = source.report()
    assert (before.complete, before.rows_read, before.first_ts_ns) == (False, 0, None)
    report = describe(source)
    assert report.complete
    assert report.first_ts_ns == kit.start_ns + kit.minute_ns
    assert report.last_ts_ns == kit.start_ns + 30 * kit.minute_ns
    (file,) = report.files
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (file.rows, file.size_bytes) == (30, path.stat().st_size)
    assert describe(source) == report  # files can be read again
