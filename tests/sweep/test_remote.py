"""What is sent to a worker, and what it looks at before it works; no Dask needed."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from admf_fast.config import parse_config, to_yaml
from admf_fast.errors import ConfigError, DataError, StateError
from admf_fast.sweep import remote
from admf_fast.sweep.bars import open_inputs
from admf_fast.sweep.chunk import Stopped
from admf_fast.sweep.dask_engine import job_of
from admf_fast.sweep.declared import space_of
from admf_fast.sweep.parts import PartMaker
from admf_fast.sweep.remote import run_chunk, sets_of, text_of
from admf_fast.sweep.table import param_types
from admf_fast.sweep.variants import Variants
from admf_fast.sweep.work import Work
from tests.sweep.kit import BASE, SMALL, config_of

CHUNK = (0, 0, (2, 3, 4))


@pytest.fixture
def made(tmp_path):
    """The maker of a small sweep, its sets, and its job as it is sent."""
    config = config_of(SMALL)
    space = space_of(config)
    sets = space.sets()
    maker = PartMaker(Variants(config, space), param_types(space.axes, sets), ())
    work = Work(tmp_path, "key")
    return maker, sets, msgspec.to_builtins(job_of(config, maker, work, open_inputs(config)))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)  # fmt: skip


@given(st.lists(st.tuples(st.just(UNSET) | PLAIN, PLAIN, st.floats(0, 1)), min_size=1, max_size=9))
def test_sets_come_back_as_they_were(sets):
    assert repr(sets_of(text_of(sets), 3)) == repr(sets)


@pytest.mark.parametrize("value", [(1, 2), object(), float("inf"), b"x"])
def test_values_that_would_come_back_as_others_are_refused(value):
    with pytest.raises(ConfigError, match="use --engine threads"):
        text_of([(1, value)])


def test_a_job_is_texts_and_numbers(made):
    _, sets, job = made
    assert json.loads(json.dumps(job)) == msgspec.json.decode(msgspec.json.encode(job))
    assert len(json.dumps(job)) < 10_000
    assert isinstance(text_of(sets), str)


def test_a_worker_writes_the_part_that_the_driver_would(made, tmp_path):
    maker, sets, job = made
    bars = open_inputs(config_of(SMALL))[0]
    assert run_chunk(job, CHUNK, text_of(sets[2:5])) == 3 * bars.count
    found = Work(tmp_path, "key").part(0).read_bytes()
    other = Work(tmp_path, "other")
    maker.make(other, remote.Chunk(*CHUNK), sets[2:5], bars)

    assert found == other.part(0).read_bytes()


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"version": "0.0.9"}, StateError, "expected admf-fast 0.0.9 as the driver has, found"),
        ({"config_digest": "1" * 64}, StateError, r"expected the config of the driver \(1111"),
        ({"code": {"code": "f" * 64}}, StateError, r"expected the code of the driver \(ffff"),
        ({"types": [["fast", "int64"], ["slow", "int64"]]}, StateError, "expected the names"),
        ({"bars": [["AAPL", 3270, "0" * 32]]}, DataError, "AAPL: expected the bars with digest 0"),
        ({"bars": [["MSFT", 3270, "0" * 32]]}, DataError, "expected the bars of MSFT, found AAPL"),
        ({"base_dir": "/nowhere/at/all"}, DataError, "in /nowhere/at/all: "),
    ],
    ids=["version", "config", "code", "names", "bars", "symbol", "folder"],
)
def test_a_worker_that_would_compute_something_else_does_not(made, changed, error, said):
    _, sets, job = made
    code = {**job["code"], **changed.get("code", {})}
    with pytest.raises(error, match=said) as raised:
        run_chunk({**job, "run": str(changed), **changed, "code": code}, CHUNK, text_of(sets[2:5]))
    assert "worker on " in str(raised.value)


def test_long_inputs_are_read_again_and_checked(made, monkeypatch, tmp_path):
    _, sets, job = made
    monkeypatch.setattr(remote, "BARS_KEPT", 10)
    assert run_chunk(job, CHUNK, text_of(sets[2:5]))
    wrong = {**job, "run": "wrong", "bars": [["AAPL", 3270, "0" * 32]]}
    with pytest.raises(DataError, match="expected the bars with digest 0"):
        run_chunk(wrong, (1, 0, (2, 3, 4)), text_of(sets[2:5]))
    assert not Work(tmp_path, "key").part(1).exists()


def test_what_comes_after_a_stop_is_not_computed(made, tmp_path):
    _, sets, job = made
    remote.stop(job["run"])  # unknown as yet
    run_chunk(job, CHUNK, text_of(sets[2:5]))
    remote.stop(job["run"])
    with pytest.raises(Stopped):
        run_chunk(job, (1, 0, (5,)), text_of(sets[5:6]))
    assert not Work(tmp_path, "key").part(1).exists()


def test_a_worker_stays_ready_for_few_sweeps(made):
    _, sets, job = made
    for k in range(4):
        run_chunk({**job, "run": f"few {k}"}, CHUNK, text_of(sets[2:5]))
    assert set(remote._ready) == {"few 2", "few 3"}


def test_a_worker_keeps_few_bars(made, monkeypatch):
    text = SMALL + "  data: [../data/AAPL_1d.parquet, ../data/MSFT_1d.parquet]\n"
    config = config_of(text)
    _, sets, job = made
    inputs = open_inputs(config)
    bars = [[one.symbol, one.count, one.digest] for one in inputs]
    job = {**job, "run": "two", "config": to_yaml(config), "bars": bars}
    monkeypatch.setattr(remote, "BARS_KEPT", 4000)
    for place in (0, 1, 0):
        run_chunk(job, (0, place, (0,)), text_of(sets[:1]))
        assert list(remote._ready["two"]._kept) == [place]


def test_the_configuration_is_sent_whole():
    config = config_of(SMALL, BASE + "# a remark\n")
    again = parse_config(to_yaml(config), name="a.yaml", format="yaml")
    assert structs.replace(again, source=config.source) == config


def test_parts_of_a_sweep_that_has_ended_are_never_taken(tmp_path):
    work = Work(tmp_path)
    work.begin({"bars": 1}, 4)
    late = Work(tmp_path, work.key)  # as a worker has it that nobody could reach
    (tmp_path / "manifest.json").unlink()
    work.begin({"bars": 2}, 4)
    late.part(0).write_bytes(b"late")

    assert not work.part(0).exists()
