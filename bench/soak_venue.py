"""Real kills of a run whose orders go to a venue, an exchange in a process of its own.

    python -m bench.soak_venue --kills 200

As `bench.soak`, and every bar is brought to the exchange before the run hears of it. In the end
the exchange must have taken every order once, each with an intent in the journal, and every
fill of its books must be in the journal once: position, and what each order filled, are equal.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from admf_fast.config import load_config
from admf_fast.journal.messages import BarInput, Intent, Note, Report, Started
from admf_fast.journal.reading import read_journal
from admf_fast.live.core import LiveCore
from admf_fast.live.replaying import Replay
from admf_fast.runners.setup import prepare
from admf_fast.runners.venue import with_venue
from admf_fast.venues.exchange import Exchange
from bench.soak import BARS_PER_KILL, CONFIG, ENVIRONMENT, PACES_S, Limits, finish, kill_often
from bench.soak_feed import Line, Server, lines_of

# What waits does so for moments: a life is a second long.
LIVE = """\
live: {{snapshot_every_bars: 400, sync_ms: 50, status_ms: 100, mode: live, account: simulated,
  venue: "unix:{venue}", max_intent_age_bars: 0,
  limits: {{messages_per_second: 0, orders_per_minute: 0, answer_s: 0.2, grace_s: 0.4,
    reconcile_s: 1, price_percent: 0}}}}
"""
SETTLE_S = 4.0
PATIENCE_S = 60.0
DIFFERENCES = ("O04", "O05", "O09", "O11", "O12")


@dataclass(frozen=True)
class Traded:
    """What a soak with a venue found."""

    kills: int
    starts: int
    bars: int
    lost_bars: int
    doubled_bars: int
    orders: int
    doubled_orders: int
    orders_without_intent: int
    fills: int
    doubled_fills: int
    orders_that_differ: int
    asked_for: int
    differences_told: int
    equal: bool
    seconds: float


class FarExchange:
    """The exchange as its market reaches it: bars over a socket of its own."""

    def __init__(self, config: Path, path: Path, books: Path, lines: list[Line]) -> None:
        self._lines = lines
        command = [sys.executable, "-m", "admf_fast.venues.server", str(config)]
        self._process = subprocess.Popen(
            [*command, "--socket", str(path), "--journal", str(books)],
            stdout=subprocess.DEVNULL, env=ENVIRONMENT,
        )  # fmt: skip
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline_s = time.monotonic() + PATIENCE_S
        while self._socket.connect_ex(str(path)):
            if time.monotonic() > deadline_s:
                raise SystemExit("the exchange did not begin")
            time.sleep(0.05)
        self._answers = self._socket.makefile("rb")

    def bar(self, number: int) -> None:
        """Match the books against a bar."""
        bar = json.loads(self._lines[number][1])
        bar["ts_ns"] = bar.pop("ts")
        asked = json.dumps({"id": number + 1, "op": "bar", "bar": bar})
        self._socket.sendall(asked.encode() + b"\n")
        answer = json.loads(self._answers.readline())
        if answer.get("error"):
            raise SystemExit(f"the exchange refused bar {number}: {answer}")

    def close(self) -> None:
        """End it; its books are in their file."""
        self._answers.close()
        self._socket.close()
        self._process.terminate()
        self._process.wait()


def soak(limits: Limits, bars: int, *, seed: int = 1) -> Traded:
    """Kill a run so often while it trades over so many bars, and compare both books."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        config, books = root / "soak.yaml", root / "books"
        head = CONFIG[: CONFIG.index("live:")]
        config.write_text(head + LIVE.format(venue=root / "venue"))
        lines = lines_of(bars)
        far = FarExchange(config, root / "venue", books, lines)
        try:
            server = Server(root / "paced", lines, PACES_S[0], far.bar)
            run = root / "killed"
            kills = kill_often(run, config, server, limits, seed, "--armed")
            server.pace_s = PACES_S[0]
            finish(run, config, server.path, bars, "--armed", settle_s=SETTLE_S)
        finally:
            far.close()
        return judged(run, config, books, kills, bars, began_s)


def judged(
    run: Path, config: Path, books: Path, kills: int, bars: int, began_s: float
) -> Traded:  # fmt: skip
    """Compare the journal of a run with the books of its exchange."""
    setup = prepare(load_config(config))
    replay = Replay(LiveCore(with_venue(setup)))
    records = list(read_journal(str(run / "journal")))
    for sequence, message in records:
        if isinstance(message, Started):
            replay.core.lineage = message.lineage
        replay.take(sequence, message)
    messages = [message for _, message in records]
    exchange, taken = Exchange(setup.terms), Counter[str]()
    for request in map(json.loads, books.read_text().splitlines()):
        exchange.repeat(request)
        if request["op"] == "submit":
            taken[request["order"]["client_id"]] += 1
    times = [m.ts_ns for m in messages if isinstance(m, BarInput)]
    wanted = {m.client_id for m in messages if isinstance(m, Intent)}
    fills = [m for m in messages if isinstance(m, Report) and m.lots]
    ours: Counter[str] = Counter()
    for fill in fills:
        ours[fill.client_id] += fill.lots
    differ = [name for name, o in exchange.orders.items() if o.filled != ours[name]]
    notes = Counter(m.rule for m in messages if isinstance(m, Note))
    return Traded(
        kills=kills,
        starts=sum(isinstance(m, Started) for m in messages),
        bars=bars,
        lost_bars=bars - len(set(times)),
        doubled_bars=len(times) - len(set(times)),
        orders=len(taken),
        doubled_orders=taken.total() - len(taken),
        orders_without_intent=len(taken.keys() - wanted),
        fills=len(fills),
        doubled_fills=len(fills) - len({fill.report_id for fill in fills}),
        orders_that_differ=len(differ),
        asked_for=notes["O06"],
        differences_told=sum(notes[rule] for rule in DIFFERENCES),
        equal=replay.core.position_lots == sum(exchange.held.values()) and not differ,
        seconds=round(time.monotonic() - began_s, 1),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=600.0, help="for killing, at most")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    found = soak(
        Limits(given.kills, given.minutes), BARS_PER_KILL * max(given.kills, 5), seed=given.seed
    )
    print(json.dumps(asdict(found), indent=1))
    wrong = (
        found.lost_bars, found.doubled_bars, found.doubled_orders, found.doubled_fills,
        found.orders_without_intent,
    )  # fmt: skip
    return 0 if found.equal and not any(wrong) else 6


if __name__ == "__main__":
    sys.exit(main())
