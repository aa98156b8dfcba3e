"""What checks say: one finding for each thing looked at."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

Status = Literal["ok", "note", "warning", "failed"]


class Finding(NamedTuple):
    """What one check found about one subject.

    ``failed`` is what must not be; a ``warning`` may be meant so; a ``note`` says what was not
    looked at.
    """

    check: str
    subject: str
    status: Status
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about a configuration on its bars, or moments of several instruments."""

    name: str
    bars: int
    findings: tuple[Finding, ...]
    unit: str = "bars"

    def having(self, status: Status) -> list[Finding]:
        """Return the findings of a status."""
        return [finding for finding in self.findings if finding.status == status]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.having("failed")

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        rows = [finding._asdict() for finding in self.findings]
        return {**asdict(self), "passed": self.passed, "findings": rows}


def plural(count: int, what: str) -> str:
    """Return a count with its noun, which takes an s."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def several(texts: Iterable[str], most: int = 4) -> str:
    """Return the first few of many, and how many more there are."""
    found = list(texts)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
