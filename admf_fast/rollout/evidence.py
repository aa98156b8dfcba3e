"""What a stage has shown: bars, days, divergences of each family, and of which code it is."""

import hashlib

import msgspec
from msgspec import UnsetType

from admf_fast.data.spec import format_ts
from admf_fast.rollout.plan import GatesSpec, StageSpec


class Digests(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is rolled out: digests of the configuration, and of all code that decides."""

    config: str
    code: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A comparison of a run with a run of the model on the same bars; times UTC nanoseconds.

    The families are never mixed: what the same bars led to (`logic_divergences`, and the first
    of them named), which bars there were (`input_divergences`), and how orders were filled
    (`execution_bps`, the mean distance from the model's price, worse is above 0;
    `unmatched_percent` of lots that only one side filled).
    `outside` names figures that have left their bands of the baseline. Of a run with a journal,
    `shadow_bars` and `shadow_days` were compared by a shadow while it ran, and `journal` is the
    SHA-256 of its records; one without a `run_id` has no tables yet.
    """

    mode: str
    digests: Digests
    run_id: str
    reference_id: str
    first_ts_ns: int
    last_ts_ns: int
    bars: int
    days: int
    logic_divergences: int = 0
    first_divergence: str = ""
    input_divergences: int = 0
    fills: int = 0
    execution_bps: float = 0.0
    unmatched_percent: float = 0.0
    outside: tuple[str, ...] = ()
    shadow_bars: int = 0
    shadow_days: int = 0
    journal: str = ""

    @property
    def id(self) -> str:
        """Digest of all of it."""
        content = msgspec.json.encode(self, order="deterministic")
        return hashlib.sha256(content).hexdigest()[:16]


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; a `breach` is worse than something not yet shown."""

    name: str
    passed: bool
    expected: str
    found: str
    breach: bool = False

    @property
    def text(self) -> str:
        """One sentence for a person."""
        return f"{self.name}: expected {self.expected}, found {self.found}"


# Of a run that is under way: nothing is known of its fills.
NO_TABLES = Gate(
    name="tables of the run", passed=False, expected="those it writes when its feed has ended",
    found="none",
)  # fmt: skip
# What a run may be that shows something about a stage.
ACCEPTED = {
    "backtest": ("backtest",),
    "paper": ("paper", "shadow", "live"),
    "live": ("live",),
}


def check_gates(stage: StageSpec, evidence: Evidence, *, after_ns: int = 0) -> list[Gate]:
    """Return all gates of a stage; bars have to be later than `after_ns`."""
    gates = stage.gates
    accepted = ACCEPTED[stage.mode]
    e = evidence
    found = [
        _gate("mode of the run", e.mode in accepted, " or ".join(accepted), e.mode),
        _gate("bars", e.bars >= gates.bars, f"at least {gates.bars}", f"{e.bars}"),
        _gate("days", e.days >= gates.days, f"at least {gates.days}", f"{e.days}"),
        _gate("bars of this stage alone", e.first_ts_ns > after_ns, _later(after_ns),
              f"the first at {format_ts(e.first_ts_ns)}" if e.bars else "none"),
        *_shadow(gates, e),
        _gate("input", not e.input_divergences, "the same bars on both sides",
              f"{e.input_divergences} differences"),
        _gate("logic", not e.logic_divergences, "no divergence",
              f"{e.logic_divergences}, first {e.first_divergence or 'none'}", breach=True),
    ]  # fmt: skip
    return [*found, *(_execution(gates, e) if e.run_id else [NO_TABLES])]


def _later(after_ns: int) -> str:
    if not after_ns:
        return "any"
    return f"bars after {format_ts(after_ns)}, the last that an earlier stage has shown"


def _shadow(gates: GatesSpec, e: Evidence) -> list[Gate]:
    asked = (
        ("bars with a shadow", gates.shadow_bars, e.shadow_bars),
        ("days with a shadow", gates.shadow_days, e.shadow_days),
    )
    return [
        _gate(name, found >= least, f"at least {least}", f"{found}")
        for name, least, found in asked
        if least
    ]


def _execution(gates: GatesSpec, e: Evidence) -> list[Gate]:
    made = [
        _gate("unmatched fills", e.unmatched_percent <= gates.max_unmatched_percent,
              f"at most {gates.max_unmatched_percent:g} % of the lots",
              f"{e.unmatched_percent:g} %", breach=True),
        _gate("figures", len(e.outside) <= gates.max_outside,
              f"at most {gates.max_outside} outside their bands",
              f"{len(e.outside)}: {', '.join(e.outside) or 'none'}", breach=True),
    ]  # fmt: skip
    if not isinstance(gates.max_execution_bps, UnsetType):
        most = gates.max_execution_bps
        found = f"{e.execution_bps:g} bps over {e.fills} fills"
        passed = e.execution_bps <= most
        made.insert(0, _gate("execution", passed, f"at most {most:g} bps", found, breach=True))
    return made


def _gate(name: str, passed: bool, expected: str, found: str, *, breach: bool = False) -> Gate:
    return Gate(
        name=name, passed=passed, expected=expected, found=found, breach=breach and not passed
    )
