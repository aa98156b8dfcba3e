"""A shadow beside a live container, in Python: silent, until a bit of the live memory flips.

Run it with ``python examples/shadow/shadow.py``.
"""

from pathlib import Path

from admf_fast import LiveContainer, ShadowModeValidator, load_config
from admf_fast.feeds.as_events import bar_events
from admf_fast.jobs import open_source

FLIPPED_BAR = 2000


def main() -> None:
    """Run the shipped bars through both, and show what was found."""
    config = load_config(Path(__file__).with_name("shadow.yaml"))
    live = LiveContainer(config)
    live.initialize()
    bars = list(bar_events(open_source(config)))
    for bar in bars[:500]:
        live.process_event(bar)
    validator = ShadowModeValidator(live)  # joins here: made of configuration and state bytes
    validator.divergences.listen(print)
    for number, bar in enumerate(bars[500:], start=500):
        if number == FLIPPED_BAR:
            print("Until here:", validator.monitor.metrics)
            live.runner.program.parts[0].words[0] ^= 1  # the last bit of the running sum
        validator.process_market_data(bar)
    print("At the end:", validator.monitor.metrics)


if __name__ == "__main__":
    main()
