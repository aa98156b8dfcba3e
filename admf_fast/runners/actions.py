"""The splits and dividends of an instrument, from its configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import UnsetType

from admf_fast.calendars import Calendar
from admf_fast.config import Config, MarketSpec
from admf_fast.config.source import KeyPath, key_text
from admf_fast.data.actions import read_actions
from admf_fast.errors import ConfigError, DataError
from admf_kernels.actions import Actions


@dataclass(frozen=True, slots=True)
class ActionSource:
    """The splits and dividends of one instrument, and the file they are from."""

    table: Actions
    path: str
    format: str
    sha256: str

    def report(self) -> dict[str, Any]:
        """Return what the manifest says: the file, and a digest of what is in it."""
        times = self.table.ts_ns.tolist()
        span = {"first_ts_ns": times[0], "last_ts_ns": times[-1]} if times else {}
        return {
            "path": self.path,
            "format": self.format,
            "sha256": self.sha256,
            "actions": len(times),
            **span,
            "digest": self.table.digest,
        }


def actions_of(
    config: Config, market: MarketSpec, path: KeyPath, calendar: Calendar | None
) -> ActionSource | None:
    """Return the splits and dividends of a section; None where it names no file.

    Raises what reading it raises, with the line of the configuration that names the file.
    """
    spec = market.actions
    if isinstance(spec, UnsetType):
        return None
    clock = calendar.clock if calendar else None
    try:
        found = read_actions(Path(config.resolve(spec.path)), spec.path, spec.format, clock)
    except (ConfigError, DataError) as error:
        where = config.where(*path, "actions", "path")
        raise type(error)(f"{where}: {key_text((*path, 'actions'))}: {error}") from error
    return ActionSource(found.actions, spec.path, found.format, found.sha256)
