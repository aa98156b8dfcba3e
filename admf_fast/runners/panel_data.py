"""The bars and calendars of all instruments of a configuration; errors name instrument and line."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from admf_fast.calendars import CALENDARS, Calendar, load_calendar
from admf_fast.config import Config, instruments_of
from admf_fast.config.source import KeyPath, key_text, keys_text
from admf_fast.data import BarSpec, PanelSource, open_bars, parse_timeframe
from admf_fast.data.spec import check_longer, check_stamp
from admf_fast.errors import AdmfError, ConfigError, DataError
from admf_kernels.plan import Plan


def open_panel(config: Config, data: Mapping[str, object] | None = None) -> PanelSource:
    """Open the bars of every instrument; relative paths start at the folder of the file.

    `data` holds, by symbol, Arrow objects (polars, pandas, DuckDB, pyarrow) for instruments
    without ``bars.path``.
    """
    instruments = instruments_of(config)
    given = dict(data or {})
    base_dir = Path(config.source.base_dir or ".")
    sources = []
    for k, instrument in enumerate(instruments):
        with _naming(config, k, instrument.symbol):
            own = given.pop(instrument.symbol, None)
            if own is None and not instrument.bars.path:
                raise ConfigError("bars.path: expected a path, or data of the symbol; found none")
            sources.append(open_bars(instrument.bars, own, base_dir=base_dir))
    if given:
        known = keys_text(instrument.symbol for instrument in instruments)
        raise ConfigError(
            f"data: expected symbols of this run, found {keys_text(given)} (symbols: {known})"
        )
    return PanelSource(sources)


def arriving_specs(config: Config) -> tuple[BarSpec, ...]:
    """Return what is declared of every instrument, for bars that bring no metadata along.

    Raises ConfigError where timeframe or stamp is left out.
    """
    instruments = instruments_of(config)
    for k, instrument in enumerate(instruments):
        with _naming(config, k, instrument.symbol):
            parse_timeframe(instrument.bars.timeframe)
            check_stamp(instrument.bars.stamp)
    return tuple(instrument.bars for instrument in instruments)


def calendars_of(config: Config, plan: Plan) -> tuple[Calendar | None, ...]:
    """Return the calendar of every instrument, None for one that has none.

    Raises ConfigError for longer timeframes of `plan` that do not fit the bars of an instrument,
    and for one without calendar when `plan` reads the sessions.
    """
    found: list[Calendar | None] = []
    for k, instrument in enumerate(instruments_of(config)):
        name = instrument.bars.calendar
        with _naming(config, k, instrument.symbol):
            for timeframe in plan.by_timeframe:
                check_longer(timeframe, instrument.bars.timeframe)
            if plan.clock_reads and not name:
                raise ConfigError(
                    f"bars.calendar: {', '.join(plan.clock_reads)} come from the sessions of a "
                    f"market; set it to one of {' '.join(CALENDARS)}"
                )
            found.append(load_calendar(name) if name else None)
    return tuple(found)


@contextmanager
def _naming(config: Config, index: int, symbol: str) -> Iterator[None]:
    """Put file, line and instrument in front of an error about its bars."""
    try:
        yield
    except AdmfError as error:
        section: KeyPath = ("instruments", index) if config.instruments else ()
        key, _, rest = str(error).partition(": ")
        if key.startswith("bars.") and " " not in key:
            path = (*section, *key.split("."))
            of = f" of {symbol}" if symbol else ""
            text = f"{key_text(path)}{of}: {rest}"
        else:
            path = (
                (*section, "bars", "path") if isinstance(error, DataError) else (*section, "bars")
            )
            text = f"{symbol}: {error}" if symbol else str(error)
        raise type(error)(f"{config.where(*path)}: {text}") from error
