"""The kinds differ at their edge alone: closed bars, market hours, a venue or none."""

import pytest
from msgspec.structs import replace

from admf_fast.config import Config
from admf_fast.containers import (
    BacktestContainer,
    LiveContainer,
    PaperContainer,
    ShadowContainer,
    config_from,
    run_backtest,
    run_simulated_live,
)
from admf_fast.data import BarSpec
from admf_fast.errors import BarError, ConfigError, ContainerError
from admf_fast.feeds.as_events import events_of_bars
from tests.containers.kit import EXAMPLES, block, config_of, heard

LIVE = (PaperContainer, ShadowContainer, LiveContainer)
BARS = list(events_of_bars([block(60)], "X"))


class Sheet:
    """A venue that writes down what it is told."""

    def __init__(self):
        self.orders = []

    def order(self, event):
        self.orders.append(event)


@pytest.mark.parametrize("kind", LIVE)
def test_a_bar_in_progress_is_refused_and_changes_nothing(kind):
    """L06."""
    container = kind(config_of())
    container.initialize()
    container.process_event(BARS[0])
    before, recorder = container.get_state(), heard(container)

    with pytest.raises(BarError, match="expected a closed bar, found one in progress"):
        container.process_event(replace(BARS[1], closed=False))
    assert container.get_state() == before
    assert len(recorder) == 0


# A Friday in New York: the session is 13:30 to 20:00 UTC.
SESSION = {"open": 1_689_341_400_000_000_000, "close": 1_689_364_800_000_000_000}
MINUTE_NS = 60_000_000_000


@pytest.mark.parametrize("kind", LIVE)
def test_market_hours_are_those_of_the_calendar(kind):
    spec = BarSpec(path="x.parquet", symbol="X", timeframe="1m", stamp="close", calendar="XNYS")
    inside = (SESSION["open"] + MINUTE_NS, SESSION["close"])
    outside = (
        SESSION["open"],
        SESSION["close"] + MINUTE_NS,
        SESSION["close"] + 30 * 60 * MINUTE_NS,
    )
    for ts_ns in inside:
        container = kind(config_of(bars=spec))
        container.initialize()
        container.process_event(replace(BARS[0], ts_ns=ts_ns))
        assert container.get_state()["bars"] == 1
    for ts_ns in outside:
        container = kind(config_of(bars=spec))
        container.initialize()
        with pytest.raises(BarError, match="inside a session of XNYS; it was not taken"):
            container.process_event(replace(BARS[0], ts_ns=ts_ns))
        assert container.get_state()["bars"] == 0
        anytime = kind(config_of(bars=spec), any_hours=True)
        anytime.initialize()
        anytime.process_event(replace(BARS[0], ts_ns=ts_ns))
        assert anytime.get_state()["bars"] == 1


@pytest.mark.parametrize("kind", [PaperContainer, ShadowContainer])
def test_only_a_live_container_can_be_given_a_venue(kind):
    """O15: there is nothing in a shadow that an order could be sent with."""
    with pytest.raises(ContainerError, match="has no venue"):
        kind(config_of(), venue=Sheet())
    assert kind(config_of(), venue=None)
    assert not any("venue" in name for name in vars(kind(config_of())))


def test_a_venue_is_told_every_order_once_in_order():
    sheet = Sheet()
    container = LiveContainer(config_of("bracket"), venue=sheet)
    recorder = heard(container)
    run_simulated_live(container, block(300))

    assert sheet.orders == recorder.get_events("ORDER") != []


def test_a_venue_that_fails_fails_the_run():
    class Broken(Sheet):
        def order(self, event):
            raise OSError("no route")

    container = LiveContainer(config_of("bracket"), venue=Broken())
    with pytest.raises(OSError, match="no route"):
        run_simulated_live(container, block(300))
    with pytest.raises(ContainerError, match=r"a subscriber failed before \(OSError: no route\)"):
        container.process_event(BARS[-1])
    with pytest.raises(ContainerError, match="a subscriber failed before"):
        container.result()
    container.dispose()


def test_a_subscriber_that_drives_its_container_is_refused():
    container = PaperContainer(config_of())
    container.initialize()
    container.event_bus.subscribe_all(lambda e: container.process_event(BARS[1]))

    with pytest.raises(ContainerError, match="from inside a subscriber"):
        container.process_event(BARS[0])


def test_modes_are_named():
    kinds = (BacktestContainer, *LIVE)

    assert [kind.mode for kind in kinds] == ["backtest", "paper", "shadow", "live"]


def test_runs_refuse_containers_of_the_other_kind():
    with pytest.raises(ContainerError, match="expected a BacktestContainer, found LiveContainer"):
        run_backtest(LiveContainer(config_of()), block(9))
    with pytest.raises(ContainerError, match="expected a PaperContainer, found BacktestContainer"):
        run_simulated_live(BacktestContainer(config_of()), block(9))


def test_configurations_come_from_anywhere():
    sections = {
        "bars": {"path": "x.parquet", "symbol": "X", "timeframe": "1m", "stamp": "close"},
        "strategy": {"kernel": "sma_cross", "params": {"fast": 3, "slow": 9}},
    }
    assert isinstance(config_from(sections), Config)
    assert config_from(sections).strategy.params == {"fast": 3, "slow": 9}
    assert config_from(EXAMPLES / "sma_cross.yaml").name == "sma_cross"
    assert config_from(config_of()) == config_of()
    with pytest.raises(ConfigError, match="slwo"):
        config_from({**sections, "slwo": 1})
    with pytest.raises(ConfigError, match="plain values"):
        config_from({**sections, "account": {"cash": float("nan")}})


def test_the_bars_of_the_configuration_are_the_default():
    history = run_backtest(BacktestContainer(config_from(EXAMPLES / "sma_cross.yaml")))
    live = run_simulated_live(LiveContainer(config_from(EXAMPLES / "sma_cross.yaml")))

    assert history.bars > 3000
    assert live.layers == history.layers


def test_several_instruments_are_refused():
    with pytest.raises(ConfigError, match="a container holds one instrument, found 5"):
        BacktestContainer(config_from(EXAMPLES / "portfolio.yaml"))
