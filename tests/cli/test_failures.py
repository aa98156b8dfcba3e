"""Every error: one clear line on standard error, its exit code, and nothing left behind."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from admf_fast import errors
from admf_kernels.errors import KernelError

SMA_CROSS = Path(__file__).parents[2] / "examples" / "sma_cross.yaml"
Admf = Callable[..., Any]


def _subclasses(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for cls in root.__subclasses__():
        yield from _subclasses(cls)


KNOWN = [(cls, cls.exit_code) for cls in _subclasses(errors.AdmfError)]
KNOWN += [(cls, 2) for cls in _subclasses(KernelError)]


def _raising(error: BaseException) -> Callable[..., Any]:
    def load_config(path: str) -> None:
        raise error

    return load_config


@pytest.mark.parametrize(("cls", "code"), KNOWN, ids=lambda v: getattr(v, "__name__", str(v)))
def test_every_error_class_has_its_line_and_code(
    admf: Admf, monkeypatch: pytest.MonkeyPatch, cls: type[Exception], code: int
) -> None:
    monkeypatch.setattr("admf_fast.config.load_config", _raising(cls("what; where; remedy")))
    ran = admf("backtest", "some.yaml")
    assert (ran.code, ran.out) == (code, "")
    assert ran.err == "admf: error: what; where; remedy\n"
    ran = admf("backtest", "some.yaml", "--json")
    expected = {"kind": cls.__name__, "message": "what; where; remedy", "exit_code": code}
    assert ran.json == {"error": expected}
    assert ran.code == code


def test_exit_codes_are_those_of_the_error_tree() -> None:
    assert {cls.__name__: code for cls, code in KNOWN if cls.__module__ == errors.__name__} == {
        "AdmfError": 1, "ConfigError": 2, "DataError": 3, "DataFileError": 3, "SchemaError": 3,
        "BarError": 3, "StateError": 4, "JournalError": 4, "JournalFullError": 4,
        "VenueError": 5, "DivergenceError": 6, "ContainerError": 1,
    }  # fmt: skip


def test_an_unexpected_error_says_what_to_do(admf: Admf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admf_fast.config.load_config", _raising(ZeroDivisionError("by\nzero")))
    ran = admf("backtest", "some.yaml")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "unexpected ZeroDivisionError in test_failures.py:" in ran.err
    assert "by zero; run again with --traceback" in ran.err


@pytest.mark.parametrize("how", ["option first", "option last", "variable"])
def test_a_traceback_is_shown_when_asked_for(
    admf: Admf, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("admf_fast.config.load_config", _raising(ZeroDivisionError("by zero")))
    monkeypatch.setenv("ADMF_TRACEBACK", "1" if how == "variable" else "")
    arguments = {"option first": ["--traceback", "backtest", "x"], "variable": ["backtest", "x"]}
    ran = admf(*arguments.get(how, ["backtest", "x", "--traceback"]))
    assert ran.code == 1
    assert ran.err.startswith("Traceback (most recent call last)")


def test_an_interrupt_ends_with_130(admf: Admf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admf_fast.config.load_config", _raising(KeyboardInterrupt()))
    ran = admf("backtest", "some.yaml")
    assert ran.code == 130
    assert ran.err.strip() == "admf: error: interrupted"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["backtest"], "Missing argument 'CONFIG'"),
        (["backtset", "x"], "No such command 'backtset'"),
        (["backtest", "x", "--jsno"], "--jsno"),
        (["backtest", "x", "--parity-bars", "0"], "expected a number of bars above 0, or all"),
        (["live", "x"], "Missing option '--feed'"),
        (["data", "validate", "x.parquet", "--column", "close"], "expected NAME=COLUMN"),
        (["data", "validate", "x.parquet", "--stamp", "middle"], "'middle' is not one of"),
        (["data", "validate", SMA_CROSS, "--stamp", "open"], "leave out '--stamp'"),
        (["data", "synth", "--out", "x", "--bars", "many"], "'many' is not a valid int"),
        (["kernels", "show", "sma_corss"], "did you mean 'sma_cross'?"),
        (["kernels", "show", "nowhere:kernel"], "cannot import 'nowhere'"),
    ],
)
def test_a_wrong_command_line_ends_with_2(admf: Admf, arguments: list[str], text: str) -> None:
    ran = admf(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("admf: error: ")
    assert ran.err.count("\n") == 1
    assert text in ran.err
    assert admf(*arguments, "--json").json["error"]["exit_code"] == 2


def test_without_a_command_help_is_shown(admf: Admf) -> None:
    ran = admf()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Usage: admf")


def _text(config: Path, old: str, new: str) -> None:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))


def _unknown_key(config: Path) -> None:
    _text(config, "stamp", "stmp")


def _unknown_kernel(config: Path) -> None:
    _text(config, "sma_cross", "sma_corss")


def _bad_parameters(config: Path) -> None:
    _text(config, "slow: 20", "slow: 3")


def _other_stamp(config: Path) -> None:
    _text(config, "stamp: open", "stamp: close")


def _no_bars(config: Path) -> None:
    (config.parent / "bars.parquet").unlink()


def _truncated(config: Path) -> None:
    bars = config.parent / "bars.parquet"
    bars.write_bytes(bars.read_bytes()[:-100])


def _flipped(config: Path) -> None:
    bars = config.parent / "bars.parquet"
    content = bytearray(bars.read_bytes())
    content[len(content) // 2] ^= 0x10
    bars.write_bytes(content)


def _bad_row(config: Path) -> None:
    rows = [f"2024-01-02T14:{m:02d}:00Z,10,11,9,10,5" for m in range(50)]
    rows[40] = "2024-01-02T14:40:00Z,10,8,9,10,5"
    text = "\n".join(["timestamp,open,high,low,close,volume", *rows])
    (config.parent / "bars.csv").write_text(text + "\n")
    _text(config, "bars.parquet", "bars.csv")


SPOILT: list[tuple[Callable[[Path], None], int, str]] = [
    (_unknown_key, 2, "crossing.yaml:1: bars.stmp is not a key here; did you mean stamp?"),
    (_unknown_kernel, 2, "crossing.yaml:2: no kernel is named 'sma_corss'"),
    (_bad_parameters, 2, "crossing.yaml:2: sma_cross: expected fast < slow"),
    (_other_stamp, 3, "its metadata says stamp 'open'"),
    (_no_bars, 3, "bars.parquet"),
    (_truncated, 3, "bars.parquet"),
    (_flipped, 3, "bars.parquet"),
    (_bad_row, 3, "bars.csv"),
]


@pytest.mark.parametrize("command", ["backtest", "live"])
@pytest.mark.parametrize(
    ("spoil", "code", "text"), SPOILT, ids=lambda v: getattr(v, "__name__", "")
)
def test_inputs_that_cannot_be_used_leave_nothing_behind(
    admf: Admf, config: Path, command: str, spoil: Callable[[Path], None], code: int, text: str
) -> None:
    spoil(config)
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    feed = ["--feed", "replay:"] if command == "live" else []
    ran = admf(command, config, "--out", "out", "--json", *feed)
    assert ran.code == code
    assert ran.json["error"]["exit_code"] == code
    assert ran.err.startswith("admf: error: ")
    assert ran.err.count("\n") == 1
    assert text in ran.err
    after = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    assert after == before


def test_several_mistakes_are_a_line_each(admf: Admf, config: Path) -> None:
    _text(config, "stamp: open", "stmp: open")
    _text(config, "kernel:", "kernal:")
    ran = admf("backtest", config)
    assert ran.code == 2
    first, *others = ran.err.splitlines()
    assert first.startswith("admf: error: ")
    assert others
    assert all(line.startswith(" " * 13 + str(config)) for line in others)


@pytest.mark.parametrize("kind", ["file", "folder", "bars", "link"])
def test_a_run_directory_replaces_nothing_but_a_run(
    admf: Admf, config: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / "precious"
    if kind == "file":
        out.write_text("thesis")
    elif kind == "link":
        out.symlink_to(tmp_path / "elsewhere")
    else:
        out.mkdir()
        (out / ("manifest.json" if kind == "bars" else "thesis.txt")).write_text("{}")
    ran = admf("backtest", config, "--out", out)
    assert ran.code == 4
    assert "choose another name, nothing was changed" in ran.err
    assert out.is_symlink() or out.exists()


def test_synth_does_not_overwrite(admf: Admf, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("precious")
    ran = admf("data", "synth", "--out", "x.parquet", "--bars", 10)
    assert ran.code == 4
    assert (tmp_path / "x.parquet").read_text() == "precious"
    assert admf("data", "synth", "--out", "x.parquet", "--bars", 10, "--force").code == 0


def test_characters_that_a_terminal_obeys_are_escaped(admf: Admf) -> None:
    ran = admf("data", "validate", "evil\x1b[31m\u202e.parquet")
    assert ran.code == 3
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err
    assert r"evil\x1b[31m\u202e.parquet" in ran.err


def test_a_full_disk_under_the_output_is_an_error(start: Callable[..., Any]) -> None:
    with open("/dev/full", "w") as full, start("kernels", "list", stdout=full) as process:
        _, err = process.communicate()
    assert process.returncode == 4
    assert err.startswith("admf: error: standard output: cannot be written: No space left")
    assert err.count("\n") == 1


def test_a_closed_pipe_is_quiet_and_leaves_no_run(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    with start("live", SMA_CROSS, "--feed", "replay:", "--out", "out") as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_a_live_run_with_130_and_leaves_no_run(
    start: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    bar = '{"ts": %d, "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1}\n'
    with start("live", config, "--feed", "stdin", "--out", "out") as process:
        process.stdin.write(bar % 1_700_000_040_000_000_000)
        process.stdin.flush()
        _wait_for(lambda: any(tmp_path.glob(".out*.tmp")))
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().strip() == "admf: error: interrupted"
    assert [path.name for path in tmp_path.iterdir()] == ["inputs"]


def _wait_for(happened: Callable[[], bool], seconds: float = 30.0) -> None:
    import time

    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("bars", [0, -5])
def test_synth_of_no_bars_is_refused_before_its_file_is_looked_at(
    admf: Admf, tmp_path: Path, bars: int
) -> None:
    (tmp_path / "x.parquet").write_text("precious")
    ran = admf("data", "synth", "--out", "x.parquet", "--bars", bars)
    assert ran.code == 2
    assert f"found {bars}" in ran.err
    assert (tmp_path / "x.parquet").read_text() == "precious"


@pytest.mark.parametrize("command", ["backtest", "parity", "data validate"])
def test_a_csv_file_of_nothing_but_a_header_ends_with_3(
    admf: Admf, config: Path, command: str
) -> None:
    (config.parent / "bars.csv").write_text("timestamp,open,high,low,close,volume\n")
    _text(config, "bars.parquet", "bars.csv")
    ran = admf(*command.split(), config)
    assert ran.code == 3
    assert "bars.csv: expected bars, found no rows" in ran.err


def test_files_of_several_symbols_are_no_stream(admf: Admf, tmp_path: Path) -> None:
    for symbol in ("A", "B"):
        admf("data", "synth", "--out", f"{symbol}.parquet", "--bars", 9, "--symbol", symbol)
    ran = admf("data", "validate", "A.parquet", "B.parquet")
    assert ran.code == 3
    assert "a stream of bars has one symbol: name the files of one" in ran.err
