"""The other commands: kernels, data, config, parity, help; and that JSON is nothing but JSON."""

import io
import json
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from admf_fast.cli import progress
from admf_fast.cli.bar_options import CHOICES, bar_options
from admf_fast.cli.main import admf as cli
from admf_fast.data import BarSpec
from admf_fast.report import align, clean, values
from admf_kernels import registry

SMA_CROSS = Path(__file__).parents[2] / "examples" / "sma_cross.yaml"
Admf = Callable[..., Any]

PURE = [
    ["backtest", SMA_CROSS, "--json"],
    ["live", SMA_CROSS, "--feed", "replay:", "--json"],
    ["kernels", "list", "--json"],
    ["kernels", "show", "bollinger", "--json", "--source"],
    ["data", "info", SMA_CROSS, "--json"],
    ["data", "validate", SMA_CROSS, "--json"],
    ["data", "synth", "--out", "x.parquet", "--bars", 5, "--json"],
    ["config", "show", SMA_CROSS, "--json"],
    ["config", "schema"],
    ["parity", SMA_CROSS, "--json"],
]


@pytest.mark.parametrize("arguments", PURE, ids=lambda a: " ".join(map(str, a[:2])))
def test_json_is_one_object_and_nothing_else(admf: Admf, arguments: list[Any]) -> None:
    ran = admf(*arguments)
    assert (ran.code, ran.err) == (0, "")
    assert isinstance(ran.json, dict)


def _commands(group: Any, path: tuple[str, ...] = ()) -> typing.Iterator[tuple[str, ...]]:
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from _commands(command, (*path, name))


@pytest.mark.parametrize("path", list(_commands(cli)), ids=" ".join)
def test_every_command_has_help(admf: Admf, path: tuple[str, ...]) -> None:
    ran = admf(*path, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Usage: admf")


def test_help_documents_the_exit_codes_and_version(admf: Admf) -> None:
    from admf_fast import __version__

    text = admf("--help").out
    for line in ("3    the bars", "6    two runs that must be equal differ", "130  interrupted"):
        assert line in text
    assert admf("--version").out == f"admf {__version__}\n"


def test_help_imports_nothing_heavy(environment: dict[str, str]) -> None:
    code = (
        "import sys; from admf_fast.cli.main import main; main(['backtest', '--help']);"
        "print(sorted({'numba', 'numpy', 'pyarrow', 'llvmlite', 'msgspec', 'tqdm'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert ran.stderr == "[]\n"


def test_parity_prints_runs_and_digests(admf: Admf) -> None:
    ran = admf("parity", SMA_CROSS)
    assert (ran.code, ran.err) == (0, "")
    found = admf("parity", SMA_CROSS, "--json").json
    assert found["identical"]
    assert found["bars"] == 3270
    for run in found["runs"]:
        assert run["name"] in ran.out
    lines = [line.split() for line in ran.out.splitlines()]
    for layer, digest in found["layers"].items():
        assert [layer, digest] in lines
    assert "Identical: 5 runs of 3,270 bars and plain Python on " in ran.out


def test_parity_names_the_difference_and_exits_with_6(
    admf: Admf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from admf_fast import parity
    from admf_fast.parity import Difference, Proof, RunProof

    layers = {"signals": "aa", "orders": "bb"}
    difference = Difference("live", "orders", 12, 99, "lots", "5", "6")
    runs = [
        RunProof("one block", 20, True, layers, 0.1),
        RunProof("live", 20, False, {**layers, "orders": "cc"}, 0.1),
        RunProof("plain", 5, True, {}, 0.1, "a sample"),
    ]
    proof = Proof(False, 20, runs, layers, difference)
    monkeypatch.setattr(parity, "prove", lambda config, progress=None: proof)
    ran = admf("parity", SMA_CROSS)
    assert ran.code == 6
    rows = {line.split()[0]: line.split() for line in ran.out.splitlines() if line}
    assert rows["live"][3:] == ["same", "DIFFERS"]
    assert rows["plain"][3:5] == ["sample", "sample"]
    assert ran.err == f"admf: error: {difference}\n"
    ran = admf("parity", SMA_CROSS, "--json")
    assert ran.code == 6
    assert ran.json["difference"]["field"] == "lots"


def test_every_registered_kernel_is_listed_and_can_be_shown(admf: Admf) -> None:
    listed = admf("kernels", "list", "--json").json["kernels"]
    assert {kernel["name"] for kernel in listed} == set(registry.names())
    text = admf("kernels", "list").out
    for kernel in listed:
        assert kernel["summary"]
        assert kernel["name"] in text
        assert kernel["warmup_bars"] >= 1
        shown = admf("kernels", "show", kernel["name"])
        assert shown.code == 0
        for parameter in kernel["params"]:
            assert parameter["name"] in shown.out


def test_a_kernel_is_shown_with_all_it_declares(admf: Admf) -> None:
    text = admf("kernels", "show", "sma_cross").out
    for part in ("default 10", "1 to 100,000", "fast < slow", "sma(30)", "30 bars"):
        assert part in text
    assert admf("kernels", "show", "macd", "--json").json["warmup_bars"] == 34
    source = admf("kernels", "show", "sma", "--json", "--source").json["driver_source"]
    assert source.startswith("def drive(table, start, stop):")


def test_a_kernel_of_your_own_is_shown(admf: Admf, tmp_path: Path) -> None:
    (tmp_path / "mine_to_show.py").write_text(
        "from admf_kernels import strategy\n"
        "@strategy()\n"
        "def always(close):\n"
        "    '''Always long.'''\n"
        "    return 1.0\n"
    )
    found = admf("kernels", "show", "mine_to_show:always", "--json").json
    assert (found["name"], found["doc"]) == ("mine_to_show:always", "Always long.")
    assert found["inputs"] == [{"name": "close", "reads": "the bar"}]


def test_synth_is_seeded_and_its_file_needs_no_declaration(admf: Admf, tmp_path: Path) -> None:
    options = ["--bars", 2000, "--timeframe", "5m", "--gap-probability", 0.01, "--session", "us"]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        ran = admf("data", "synth", "--out", f"{name}.parquet", "--seed", seed, *options)
        assert ran.out == f"{name}.parquet: 2,000 bars of SYNTH 5m\n"
    a, b, c = ((tmp_path / f"{n}.parquet").read_bytes() for n in "abc")
    assert a == b != c
    ran = admf("data", "validate", "a.parquet")
    assert ran.code == 0
    assert ran.out.startswith("2,000 bars of SYNTH 5m are valid: 2015-01-05T14:30Z to ")


def test_info_tells_rows_times_gaps_and_files(admf: Admf) -> None:
    text = admf("data", "info", SMA_CROSS).out
    for part in ("AAPL", "3,270", "2000-03-01T00:00Z", "2013-03-02T00:00Z", "verified"):
        assert part in text
    found = admf("data", "info", SMA_CROSS, "--json").json
    assert found["files"][0]["sha256"] in text


def test_options_declare_files_as_a_configuration_does(admf: Admf, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "When,open,high,low,Last\n2024-01-02 14:30:00,10,11,9,10\n2024-01-02 14:31:00,10,11,9,10\n"
    )
    options = ["--timeframe", "1m", "--stamp", "open", "--timezone", "UTC", "--column"]
    options += ["timestamp=When", "--column", "close=Last", "--column", "volume=none"]
    found = admf("data", "validate", "x.csv", *options, "--json").json
    assert (found["valid"], found["rows_kept"]) == (True, 2)
    assert admf("data", "validate", "x.csv").code == 2


def test_there_is_an_option_for_every_key_of_bars() -> None:
    @bar_options
    def command() -> None: ...

    names = {name for option in command.__click_params__ for name in option.opts}
    fields = {f.name: f for f in msgspec.structs.fields(BarSpec)}
    keys = {name.lstrip("-").replace("-", "_") for name in names} - {"inputs", "column"}
    assert keys == set(fields) - {"path", "columns"}
    for name, choices in CHOICES.items():
        literal = typing.get_args(typing.get_type_hints(BarSpec)[name])
        assert choices == tuple(value for value in literal if value)


def test_show_fills_in_defaults_and_reads_back(admf: Admf, config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text().replace(", params: {fast: 5, slow: 20}", ""))
    text = admf("config", "show", config).out
    assert "    fast: 10\n    slow: 30\n" in text
    assert "fee_bps: 0.0" in text
    again = config.with_name("again.yaml")
    again.write_text(text)
    assert admf("config", "show", again).out == text


def test_the_schema_accepts_what_is_shown(admf: Admf, config: Path) -> None:
    schema = admf("config", "schema").json
    shown = admf("config", "show", config, "--json").json
    jsonschema.validate(shown["config"], schema)
    assert len(shown["digest"]) == 64


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def forbidden() -> int:
        raise AssertionError

    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress.progress("backtest", forbidden) as advance:
        assert advance is None
    monkeypatch.setattr(progress, "DELAY_S", 0.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress.progress("backtest", lambda: 10_000) as advance:
        assert advance is not None
        for _ in range(10):
            advance(1000)
    shown = sys.stderr.getvalue()
    assert "backtest" in shown
    assert "bars/s" in shown


def test_values_are_shown_as_users_know_them() -> None:
    assert values.percent(0.12345) == "12.35"
    assert values.number(float("nan")) == "-"
    assert values.number(-0.0001) == "0.00"
    assert values.number(-1234567.891) == "-1,234,567.89"
    assert values.time(0) == "1970-01-01T00:00Z"
    assert values.time(1_500_000_000) == "1970-01-01T00:00:01.5Z"
    assert values.duration(90_061 * 10**9) == "1d 1h 1m 1s"
    assert values.duration(0) == "0s"
    assert align([("a", "1"), ("bcd", "22")], "lr") == ["a     1", "bcd  22"]
    assert clean("a\x1b[0m\tb\nc é \ud800") == r"a\x1b[0m\tb" + "\nc é " + r"\ud800"


def test_events_hold_no_number_that_json_lacks() -> None:
    from admf_fast.cli.output import plain

    made = plain({"a": float("nan"), "b": (1, float("inf")), "c": "x"})
    assert json.dumps(made, allow_nan=False) == '{"a": null, "b": [1, null], "c": "x"}'
