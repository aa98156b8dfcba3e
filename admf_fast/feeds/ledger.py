"""The rulings of one call, the counters they raise, and the reasons to hold entries."""

from typing import Literal

from admf_fast.feeds.replay import Bar
from admf_fast.feeds.rulings import Action, Counter, Ruling

Policy = Literal["hold", "note", "refuse"]
Reason = tuple[str, str, str]  # rule, symbol, and the counter where a rule has several


class Ledger:
    """Makes rulings; `counts` are since the start, `holds` the reasons that stand."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.holds: dict[Reason, str] = {}
        self.refused = False
        self._rulings: list[Ruling] = []

    def take_all(self) -> list[Ruling]:
        """Return the rulings since the last call."""
        made, self._rulings = self._rulings, []
        return made

    def rule(
        self, action: Action, rule: str, symbol: str, text: str, counter: Counter = "",
        bar: Bar | None = None,
    ) -> None:  # fmt: skip
        """Make a ruling; after one that refuses, nothing else counts."""
        self.count(counter, 1)
        self.refused = self.refused or action == "refuse"
        self._rulings.append(Ruling(action, rule, text, counter, symbol, bar))

    def process(self, symbol: str, bar: Bar) -> None:
        """Hand a bar on."""
        self.count("bar", 1)
        self._rulings.append(Ruling("process", counter="bar", symbol=symbol, bar=bar))

    def ask(self, symbol: str, after_ns: int, before_ns: int) -> None:
        """Ask for the bars between two times, both left out."""
        ruling = Ruling("ask", "L01", symbol=symbol, after_ns=after_ns, before_ns=before_ns)
        self._rulings.append(ruling)

    def hold(self, rule: str, symbol: str, text: str, counter: Counter = "") -> None:
        """Hold entries for a reason; one that stands already is only counted."""
        if (rule, symbol, counter) in self.holds:
            self.count(counter, 1)
            return
        self.holds[rule, symbol, counter] = text
        self.rule("hold", rule, symbol, text, counter)

    def free(self, rule: str, symbol: str, text: str, counter: Counter = "") -> None:
        """Drop a reason to hold entries; the last one resumes them."""
        if self.holds.pop((rule, symbol, counter), None) is not None and not self.holds:
            self.rule("resume", rule, symbol, text)

    def count(self, counter: Counter, count: int) -> None:
        """Raise a counter; none has the empty name."""
        if counter:
            self.counts[counter] = self.counts.get(counter, 0) + count

    def settle(self, policy: Policy, rule: str, symbol: str, text: str, counter: Counter) -> None:
        """Hold, note or refuse."""
        if policy == "hold":
            self.hold(rule, symbol, text, counter)
        else:
            self.rule(policy, rule, symbol, text, counter)
