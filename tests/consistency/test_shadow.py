"""A shadow beside a live run: silent while they agree, exact where they do not."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.config import canonical
from admf_fast.consistency import DivergenceMonitor, Family, ShadowModeValidator
from admf_fast.consistency.shadow import RunnerSide, shared_memory
from admf_fast.containers import BacktestContainer, LiveContainer
from admf_fast.errors import BarError, ConfigError, ContainerError, DivergenceError
from admf_fast.events import BarEvent, Event, OrderEvent
from admf_fast.runners.live import LiveRunner
from admf_kernels.indicators import sma
from admf_kernels.layout import to_word
from tests.consistency.kit import BRACKET, PLAIN, bars_of, config_of, live_runner, run, warm_shadow
from tests.kernels.strategies import quick

SOAK_BARS = int(os.environ.get("ADMF_SOAK_BARS", "20000"))


@quick(15)
@given(st.integers(0, 300), st.integers(0, 2**32), st.sampled_from((PLAIN, BRACKET)))
def test_a_shadow_that_joins_at_any_bar_agrees_in_every_bit(cut, seed, text):
    bars = bars_of(400, seed)
    runner = live_runner(text)
    for bar in bars[:cut]:
        runner.step(*bar)
    validator = ShadowModeValidator(runner, features=True)
    alone = live_runner(text)
    expected = [alone.step(*bar) for bar in bars][cut:]

    assert [s.checksum for s in run(validator, bars[cut:])] == [s.checksum for s in expected]
    metrics = validator.monitor.metrics
    assert metrics["bars"] == 400 - cut
    assert metrics["state_checksum_mismatches"] == metrics["event_sequence_violations"] == 0
    assert metrics["signal_divergence_rate"] == 0.0
    assert metrics["signals"]["both"] == sum(t == "signals" for s in expected for t, _ in s.events)
    assert not any(validator.divergences.counts.values())
    validator.divergences.require_none()


def test_two_identical_runs_raise_no_alarm_over_many_bars():
    """ADMF_SOAK_BARS=10000000 is the long form."""
    text = PLAIN + "account: {cash: 1000000000}\nsizing: {kind: fixed, quantity: 1}\n"
    validator = ShadowModeValidator(live_runner(text))
    left, seed = SOAK_BARS, 1
    ts_ns = 0
    while left:
        bars = bars_of(min(left, 20_000), seed)
        shift = ts_ns - bars[0][0] + 60_000_000_000
        for bar in bars:
            validator.step(bar[0] + shift, *bar[1:])
        ts_ns = bars[-1][0] + shift
        left -= len(bars)
        seed += 1

    assert validator.monitor.bars == SOAK_BARS
    assert not any(validator.divergences.counts.values())
    assert validator.monitor.state_checksum_mismatches == 0
    assert validator.monitor.event_sequence_violations == 0
    assert validator.monitor.signals_both > SOAK_BARS // 100


def test_a_shadow_shares_no_memory_and_holds_no_venue():
    """O15: what a shadow consists of cannot reach a venue, and no byte of it is the live run's."""
    runner = live_runner(BRACKET)
    run(validator := ShadowModeValidator(runner), bars_of(50))
    shadow = validator._shadow.runner

    assert not shared_memory(runner, shadow)
    assert shared_memory(runner, runner)
    assert shadow.setup.config is not runner.setup.config
    assert canonical(shadow.setup.config) == canonical(runner.setup.config)
    before = runner.save()
    shadow.program.state[:] = 7
    assert runner.save() == before
    held = {type(value).__module__ for value in vars(shadow).values()}
    assert not any(name.startswith("admf_fast.venues") for name in held)


@quick(15)
@given(st.data())
def test_any_flipped_bit_of_the_state_is_found_on_the_bar_it_flips_before(data):
    """Whichever word of the state, and whichever bit: the checksum sees it on the next bar."""
    bars = bars_of(200, 3)
    # Where the average is taken afresh, nothing is left of what its sum was.
    renewed = sma(20).indicator.renew_bars(sma(20).params)
    at = data.draw(st.integers(30, 199).filter(lambda at: (at + 1) % renewed != 0))
    runner = live_runner()
    validator = ShadowModeValidator(runner)
    run(validator, bars[:at])
    part = data.draw(st.sampled_from([p for p in runner.program.parts if p.label == "sma(20)"]))
    bit = data.draw(st.integers(0, 40))
    part.words[0] ^= np.int64(1 << bit)
    validator.step(*bars[at])

    found = validator.divergence
    assert found is not None
    assert (found.bar, found.ts_ns, found.family) == (at, bars[at][0], Family.LOGIC)
    assert f"{found.layer}.{found.field}" in ("feature.sma(20)", "state.sma(20).total")
    assert found.ulps is not None
    assert found.ulps > 0
    assert validator.monitor.state_checksum_mismatches == 1
    assert validator.divergences.counts[Family.INPUT] == 0


def test_the_field_is_named_with_both_bits_and_the_ulps_between():
    runner = live_runner()
    validator = ShadowModeValidator(runner, name="one")
    bars = bars_of(60)
    run(validator, bars[:40])
    part = next(p for p in runner.program.parts if p.label == "wallet")
    part.words[0] += 3
    run(validator, bars[40:])

    (found,) = validator.divergences.of(Family.LOGIC)
    assert (found.run, found.bar, found.layer, found.field) == ("one", 40, "equity", "cash")
    assert found.ulps == 3
    shown = [text.partition(" (0x")[2][:16] for text in (found.expected, found.found)]
    assert int(shown[1], 16) - int(shown[0], 16) == 3
    assert "3 ulp apart" in str(found)
    with pytest.raises(DivergenceError, match=r"bar 40 .* equity.cash: expected .* found"):
        validator.divergences.require_none()
    # Named once, counted on every bar.
    assert validator.monitor.state_checksum_mismatches == 20


def test_a_new_shadow_can_join_after_a_divergence():
    runner = live_runner()
    validator = ShadowModeValidator(runner)
    bars = bars_of(90)
    run(validator, bars[:40])
    runner.program.parts[0].words[0] ^= 1
    run(validator, bars[40:50])
    validator.rejoin()
    run(validator, bars[50:])

    assert validator.comparing
    assert validator.divergences.counts[Family.LOGIC] == 1
    assert 1 <= validator.monitor.state_checksum_mismatches <= 10


def test_only_the_live_container_is_heard():
    heard: list[Event] = []
    bars = bars_of(300)
    container = LiveContainer(config_of())
    container.initialize()
    container.event_bus.subscribe_all(heard.append)
    validator = ShadowModeValidator(container)
    for bar in bars:
        names = ("ts_ns", "open", "high", "low", "close", "volume")
        event = BarEvent(source="f", symbol="X", sequence=0, **dict(zip(names, bar, strict=True)))
        validator.process_market_data(event)
    alone: list[Event] = []
    other = LiveContainer(config_of())
    other.initialize()
    other.event_bus.subscribe_all(alone.append)
    for bar in bars:
        other.process_event(
            BarEvent(source="f", symbol="X", sequence=0, **dict(zip(names, bar, strict=True)))
        )

    assert heard == alone
    assert any(isinstance(event, OrderEvent) for event in heard)
    assert not any(validator.divergences.counts.values())
    assert validator.monitor.bars == 300
    assert validator.name == container.container_id


def test_bars_of_another_symbol_are_refused():
    container = LiveContainer(config_of())
    container.initialize()
    validator = ShadowModeValidator(container)
    bar = bars_of(1)[0]
    names = ("ts_ns", "open", "high", "low", "close", "volume")
    event = BarEvent(source="f", symbol="Y", sequence=0, **dict(zip(names, bar, strict=True)))
    with pytest.raises(ContainerError, match="expected bars of X, found 'Y'"):
        validator.process_market_data(event)


def test_a_container_of_blocks_has_no_shadow():
    container = BacktestContainer(config_of())
    container.initialize()
    with pytest.raises(ConfigError, match="bar after bar, found BacktestContainer"):
        ShadowModeValidator(container)


def test_a_bar_that_live_refuses_is_not_seen_by_the_shadow():
    validator = ShadowModeValidator(live_runner())
    bars = bars_of(50)
    run(validator, bars[:20])
    with pytest.raises(BarError, match="not taken"):
        validator.step(*bars[10])
    run(validator, bars[20:])

    assert not any(validator.divergences.counts.values())
    assert validator.monitor.bars == 50


def test_a_bar_that_only_the_shadow_refuses_is_a_divergence():
    bars = bars_of(50)
    ahead = warm_shadow(PLAIN, bars[:10])
    validator = ShadowModeValidator(live_runner(), ahead)
    made = run(validator, bars[:5])

    assert len(made) == 5
    found = validator.divergence
    assert found is not None
    assert (found.bar, found.layer, found.field) == (0, "state", "step")
    assert "expected a time after the last bar" in found.expected


@pytest.mark.parametrize(("field", "factor"), [(2, 1.001), (3, 0.999), (5, 2.0)])
def test_bars_that_differ_are_an_input_divergence_and_never_one_of_logic(field, factor):
    validator = ShadowModeValidator(live_runner())
    bars = bars_of(120)
    run(validator, bars[:60])
    changed = tuple(v * factor if k == field else v for k, v in enumerate(bars[60]))
    validator.step_each(changed, bars[60])  # type: ignore[arg-type]
    for bar in bars[61:]:
        validator.step_each(bar, bar)

    (found,) = validator.divergences.of(Family.INPUT)
    names = ("ts_ns", "open", "high", "low", "close", "volume")
    assert (found.bar, found.layer, found.field) == (60, "bar", names[field])
    assert validator.divergences.counts[Family.LOGIC] == 0
    assert validator.monitor.state_checksum_mismatches == 0
    assert validator.monitor.signal_divergence_rate == 0.0
    validator.rejoin()
    assert validator.comparing


def test_listeners_hear_of_a_divergence_on_its_bar():
    """What freezes the strategy: called before the next bar is taken."""
    seen = []
    divergences = DivergenceMonitor()
    divergences.listen(lambda d: seen.append(d.bar))
    runner = live_runner()
    validator = ShadowModeValidator(runner, divergences=divergences)
    bars = bars_of(60)
    run(validator, bars[:50])
    runner.program.parts[0].words[0] ^= 1
    validator.step(*bars[50])

    assert seen == [50]


def test_minus_zero_is_not_zero():
    """Equality is that of bits: what compares equal may still differ."""
    bars = bars_of(60)

    class Minus(RunnerSide):
        def __init__(self, runner: LiveRunner) -> None:
            super().__init__(runner)
            self.step = self._step

        def _step(self, *bar):
            made = self.runner.step(*bar)
            rows = [(t, (*v[:3], -0.0) if t == "signals" else v) for t, v in made.events]
            return made._replace(events=rows)

    class Zero(Minus):
        def _step(self, *bar):
            made = self.runner.step(*bar)
            rows = [(t, (*v[:3], 0.0) if t == "signals" else v) for t, v in made.events]
            return made._replace(events=rows)

    validator = ShadowModeValidator(Minus(live_runner()), Zero(live_runner()))
    run(validator, bars)

    assert validator.divergence is not None
    assert (validator.divergence.layer, validator.divergence.field) == ("signals", "signal")
    assert to_word("float", -0.0) != to_word("float", 0.0)
    assert validator.monitor.signal_divergence_rate == 1.0
