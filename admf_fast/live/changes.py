"""A live run that goes on with another configuration: what is kept, and what is made anew.

Account, position, orders and figures stay as they are; features and the strategy's own state
become what they were had the new configuration seen every bar of the journal.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from admf_fast.config import Config, canonical, parse_config
from admf_fast.errors import ConfigError, StateError
from admf_fast.journal.messages import BarInput, Started
from admf_fast.live.core import LiveCore
from admf_fast.live.identity import changed_keys, digests_of
from admf_fast.runners.setup import Setup, prepare
from admf_fast.runners.venue import with_venue
from admf_kernels import snapshot

# What the account and its history mean something by: another one is another run.
FIXED = ("account", "bars", "instrument", "instruments")
# The engine's own parts of a program's state; all others are of features and the strategy.
KEPT = ("curve", "book", "span", "wallet", "guard", "ledger", "q", "intent", "order")
KEYS_SHOWN = 12


class Setups:
    """The set-ups of a run: the one that is to be run now, and those of earlier starts.

    Parameters
    ----------
    current : Setup
        Of the configuration as it is now.

    Attributes
    ----------
    digests : dict of str to str
        Of its configuration and code, and of the environment.
    text : bytes
        Its configuration, canonical.
    """

    def __init__(self, current: Setup) -> None:
        self.current = current
        self.digests = digests_of(current)
        self.text = canonical(current.config)
        self._known: dict[str, Setup] = {self.digests["config"]: current}
        self._first: dict[int, LiveCore] = {}

    def core(self, setup: Setup) -> LiveCore:
        """Return a fresh core of a set-up of these."""
        core = LiveCore(setup)
        first = self._first.setdefault(id(setup), core)
        snapshot.share_code(first.runner.program, core.runner.program)
        return core

    def of(self, started: Started) -> Setup:
        """Return the set-up of a start.

        Raises StateError if it cannot be made any more, ConfigError if it traded elsewhere.
        """
        mode = self.current.config.live.mode
        if (started.mode == "live") != (mode == "live"):
            raise ConfigError(
                f"live.mode: expected {started.mode}, as the run in this folder was begun, found "
                f"{mode}; use another folder"
            )
        digest = started.digests["config"]
        if digest not in self._known:
            try:
                made = prepare(_parsed(started.config, self.current.config))
                self._known[digest] = alike(made, self.current)
            except ConfigError as error:
                raise StateError(f"the configuration of an earlier start: {error}") from error
        return self._known[digest]

    def after(
        self, core: LiveCore, last: Started | None, now: Started,
        records: Callable[[int], Iterator[tuple[int, Any]]], sequence: int,
    ) -> LiveCore:  # fmt: skip
        """Return the core as the start `now`, journaled under `sequence`, finds it."""
        if last is None:
            return core if self.of(now) is core.setup else self.core(self.of(now))
        if last.digests["config"] == now.digests["config"]:
            return core
        bars = (m for at, m in records(0) if at < sequence and isinstance(m, BarInput))
        return changed(core, self.of(now), bars)


def alike(setup: Setup, other: Setup) -> Setup:
    """Return a set-up for the symbol and the venue of another one."""
    made = replace(setup, symbols=other.symbols)
    return with_venue(made) if other.terms.uses.venue else made


def _parsed(text: bytes, current: Config) -> Config:
    base_dir = current.source.base_dir
    return parse_config(text.decode(), name="journal", format="yaml", base_dir=base_dir)


def check_change(core: LiveCore, last: Started, setups: Setups, accepted: str) -> bool:
    """Return whether configuration or code differ from those of the last start.

    Raises ConfigError naming what changed where that is not allowed: with an open position or
    orders at work it takes a reason, `accepted`; account and market can never change.
    """
    names = [n for n in ("config", "code") if last.digests.get(n) != setups.digests[n]]
    if not names:
        return False
    keys = changed_keys(last.config, canonical(setups.current.config))
    what = _what(names, keys)
    fixed = [key for key in keys if key.split(".")[0].split("[")[0] in FIXED]
    if fixed:
        raise ConfigError(
            f"{what}: account and market of a run cannot change ({', '.join(fixed)}); start a "
            "new run in another folder"
        )
    if core.busy and not accepted:
        raise ConfigError(
            f"{what}, and the run holds {core.position_lots} lots or has orders at work: start "
            "with the configuration and version of the last start, or give the reason with "
            "--accept-config-change REASON"
        )
    return True


def _what(names: list[str], keys: list[str]) -> str:
    shown = ", ".join(keys[:KEYS_SHOWN]) + (" ..." if len(keys) > KEYS_SHOWN else "")
    of_config = f"the configuration changed since the last start ({shown})"
    of_code = "the code changed since the last start"
    return " and ".join({"config": of_config, "code": of_code}[name] for name in names)


def changed(core: LiveCore, setup: Setup, bars: Iterator[BarInput]) -> LiveCore:
    """Return a core of another set-up with the account of `core`.

    Raises ConfigError when an open position or an order needs what the new one does not have.
    """
    made = LiveCore(setup)
    for bar in bars:
        made.apply(bar, 0)
    before = {part.label: part for part in _kept(core)}
    after = {part.label: part for part in _kept(made)}
    if before.keys() != after.keys() and core.busy:
        raise ConfigError(
            "the new configuration works with other orders than those of the open position; "
            "flatten first (admf control RUN flatten)"
        )
    for label, part in before.items():
        if label in after:
            after[label].words[:] = part.words
    made.take_over(core)
    return made


def _kept(core: LiveCore) -> list[Any]:
    return [p for p in core.runner.program.parts if p.label.split(" ")[0] in KEPT]
