"""The same bars through a backtest and a live container: both give the same events."""

from pathlib import Path

from admf_fast.config import load_config
from admf_fast.containers import BacktestContainer, LiveContainer
from admf_fast.data import open_bars
from admf_fast.feeds import bar_events, block_events

config = load_config(Path(__file__).with_name("sma_cross.yaml"))
source = open_bars(config.bars, base_dir=Path(__file__).parent)
logs = []
for kind, events in ((BacktestContainer, block_events), (LiveContainer, bar_events)):
    container = kind(config, symbol=source.symbol)
    log = []
    container.event_bus.subscribe_all(log.append)
    container.initialize()
    for event in events(source):
        container.process_event(event)
    print(kind.__name__, len(log), "events, checksum", container.get_state()["checksum"])
    container.dispose()
    logs.append(log)
print("same events:", logs[0] == logs[1])
