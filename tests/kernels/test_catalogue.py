"""Every registered kernel: any bars, any parameters, any cut; compiled as in plain Python."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_kernels import Program, get, names, testing
from admf_kernels.checksum import slot_of
from admf_kernels.contract import Composite, Indicator, Strategy
from admf_kernels.layout import fields_of
from admf_kernels.parameters import range_of
from admf_kernels.plain import PlainProgram
from admf_kernels.plain_features import share_of_checksum
from admf_kernels.recording import Run, clock_over, record_compiled, record_plain, require_equal
from tests.kernels.strategies import bars, cuts, features, parameters, quick

FEATURES = tuple(names((Indicator, Composite)))
STRATEGIES = tuple(names(Strategy))
# A composite compiles nothing of its own: its parts are kernels, tested here to the full.
COMPOSITES = tuple(names(Composite))
KERNELS = tuple(n for n in names() if n not in COMPOSITES)


@pytest.mark.parametrize("name", names())
def test_passes_what_users_kernels_are_offered(name):
    """The public helper, as a user calls it."""
    testing.check_kernel(name)


def _equal(name, data):
    params = data.draw(parameters(get(name)))
    drawn = data.draw(bars())

    testing.check_plain(name, params, bars=drawn)
    testing.check_blocks(name, params, bars=drawn, sizes=[data.draw(cuts(drawn.bars))])


def _no_look_ahead(name, data):
    params = data.draw(parameters(get(name)))

    testing.check_prefix(name, params, bars=data.draw(bars(min_bars=5)))


@pytest.mark.parametrize("name", KERNELS)
@quick(30)
@given(data=st.data())
def test_equal_on_any_bars_and_parameters(name, data):
    """Any cut into blocks is one block is bar by bar is plain Python, as raw bytes."""
    _equal(name, data)


@pytest.mark.parametrize("name", COMPOSITES)
@quick(3)
@given(data=st.data())
def test_composites_are_equal_on_any_bars_and_parameters(name, data):
    """As above; fewer examples."""
    _equal(name, data)


@pytest.mark.parametrize("name", KERNELS)
@quick(15)
@given(data=st.data())
def test_later_bars_change_nothing_earlier(name, data):
    _no_look_ahead(name, data)


@pytest.mark.parametrize("name", COMPOSITES)
@quick(3)
@given(data=st.data())
def test_later_bars_change_nothing_earlier_in_composites(name, data):
    _no_look_ahead(name, data)


@pytest.mark.parametrize("name", names())
@quick(15)
@given(data=st.data())
def test_valid_exactly_from_the_declared_bar_on(name, data):
    params = data.draw(parameters(get(name)))

    testing.check_warmup(name, params, bars=data.draw(bars()))


@quick(100)
@given(data=st.data())
def test_features_of_features(data):
    """Nested features of any shape: blocks, bar by bar and plain Python agree."""
    feature = data.draw(features(FEATURES))
    drawn = data.draw(bars(min_bars=20))

    testing.check_plain(feature, bars=drawn)
    testing.check_blocks(feature, bars=drawn)
    testing.check_warmup(feature, bars=drawn)


@pytest.mark.parametrize("name", STRATEGIES)
@quick(15)
@given(data=st.data())
def test_a_feature_nobody_reads_changes_nothing(name, data):
    drawn = data.draw(bars(min_bars=30))
    kernel = get(name)
    params = data.draw(parameters(kernel))
    alone = Run(name, (), kernel, params)
    beside = Run(name, (data.draw(features(FEATURES, depth=2)),), kernel, params)

    expected = record_compiled(alone, drawn, [drawn.bars])
    found = record_compiled(beside, drawn, [drawn.bars])

    require_equal(alone, "with an unused feature", expected, found)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("at", [1, 7, 150, 399])
def test_plain_python_takes_over_in_the_middle(name, at):
    """A sample of a long run is checked from the compiled program's state on."""
    kernel = get(name)
    data = testing.random_bars(430, seed=3)
    program = Program(kernel, block_bars=400)
    program.feed(*data.rows(0, at))
    twin = PlainProgram.resumed(program)

    rows = program.feed(*data.rows(at, at + 31))
    bars_after = zip(*(c.tolist() for c in data.rows(at, at + 31)), strict=True)
    found = [twin.step(*bar) for bar in bars_after]

    assert program.checksum[rows].tolist() == [bar.checksum for bar in found]
    assert program.per_bar["equity"][rows].tolist() == [bar.equity for bar in found]
    assert program.values() == twin.state()


@pytest.mark.parametrize("name", names())
@quick(10)
@given(data=st.data())
def test_the_checksum_sees_every_bit_of_the_state(name, data):
    """One flipped bit in any state word changes the instance's share of the checksum."""
    run = testing.runs_of(name)[0]
    drawn = testing.random_bars(100)
    program = run.compiled(100, clock_over(drawn))
    program.feed(*drawn)
    part = data.draw(st.sampled_from([p for p in program.parts if len(p.words)] or [None]))
    if part is None:
        return
    slot = slot_of(part.label)
    before = share_of_checksum(slot, 100, [part.value])

    place = data.draw(st.integers(0, len(part.words) - 1))
    bits = 0 if fields_of(part.cls)[place].kind == "bool" else 62  # a flag has one bit
    part.words[place] ^= 1 << data.draw(st.integers(0, bits))

    assert share_of_checksum(slot, 100, [part.value]) != before


@pytest.mark.parametrize("name", names())
def test_documented(name):
    """A docstring with a summary, where it comes from, the first bar; ranges for parameters."""
    kernel = get(name)

    assert kernel.summary.endswith(".")
    words = " ".join(kernel.doc.split())
    assert any(w in words for w in ("First valid bar", "First signal", "on every bar")), words
    for field in fields_of(kernel.params):
        assert range_of(field) is not None, field.name
    assert inspect.getsourcefile(kernel.step) is not None


@quick(10)
@given(data=st.data())
def test_plain_python_is_deterministic(data):
    """The oracle itself gives the same twice."""
    run = testing.runs_of(data.draw(st.sampled_from(STRATEGIES)))[0]
    drawn = data.draw(bars())

    require_equal(run, "again", record_plain(run, drawn), record_plain(run, drawn))
