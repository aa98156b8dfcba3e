"""From backtest over paper to live: one stage up at a time, and down at any time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import msgspec

from admf_fast.errors import ConfigError, StateError
from admf_fast.rollout.evidence import Digests, Evidence, Gate, check_gates
from admf_fast.rollout.history import Action, History, Step
from admf_fast.rollout.plan import DEFAULT_STAGES, Plan, PlanContent, StageSpec
from admf_fast.rollout.split import OrderSplit, apportion

OPERATOR = re.compile(r"[^\W_][\w .@+'-]{0,63}\Z")
REASON_MAX = 1000
AUTOMATIC = "automatic"
DEFAULT_PLAN = Plan(
    content=PlanContent(name="migration", config="config.yaml", stages=DEFAULT_STAGES),
    folder=Path(),
)


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Where a rollout is; `modes` are fractions of the capital that add up to 1."""

    plan: str
    stage: str
    mode: str
    percent: float
    modes: dict[str, float]
    next: str | None
    validated: Digests | None
    plan_changed: bool
    steps: int
    since: str


class ProductionMigration:
    """A rollout by a plan: which share of the capital is in which mode, and every change of it.

    Only one stage up at a time, with evidence that passes the stage's gates, of the digests that
    were validated before, by a named operator with a reason. Down at any time. A breach (a logic
    divergence, execution outside its band) takes it down by itself in `observe`.

    The first evidence, in the first stage, says which configuration and code are validated. After
    a change of either, or of the plan, the way is down to the first stage, and up again.

    Parameters
    ----------
    plan : Plan, optional
        `load_plan(path)`; without, backtest, paper, and live with 1, 10, 50 and 100 %, in memory.
    clock : function, optional
        Returns the UTC time that a step is recorded with.
    """

    def __init__(
        self, plan: Plan | None = None, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.plan = plan or DEFAULT_PLAN
        self._clock = clock or (lambda: datetime.now(UTC))
        self._history = History(self.plan.state_folder if plan else None)

    @property
    def history(self) -> tuple[Step, ...]:
        """All steps, the oldest first."""
        return tuple(self._history.steps)

    @property
    def stage(self) -> StageSpec:
        """The stage it is in."""
        return self.plan.stages[self._place()]

    @property
    def modes(self) -> dict[str, float]:
        """Fractions of the capital in backtest, paper and live; they add up to 1."""
        weights = self.stage.weights
        total = sum(weights.values())
        return {mode: weights.get(mode, 0) / total for mode in ("backtest", "paper", "live")}

    @property
    def validated(self) -> Digests | None:
        """What may be promoted; None before the first evidence."""
        return self._history.steps[-1].validated if self._history.steps else None

    def status(self) -> Status:
        """Return where it is."""
        stage, place, steps = self.stage, self._place(), self._history.steps
        following = self.plan.stages[place + 1].name if place + 1 < len(self.plan.stages) else None
        return Status(
            plan=self.plan.content.name, stage=stage.name, mode=stage.mode,
            percent=stage.percent, modes=self.modes, next=following, validated=self.validated,
            plan_changed=self._plan_changed(), steps=len(steps),
            since=steps[-1].at if steps else "",
        )  # fmt: skip

    def check(self, evidence: Evidence, current: Digests | None = None) -> list[Gate]:
        """Return every gate of the present stage, and whether it is passed; changes nothing.

        `current` are the digests of what would run; those of the evidence if left out.
        """
        gates = check_gates(self.stage, evidence, after_ns=self.shown_ns)
        return [*gates, *self._digest_gates(evidence, current or evidence.digests)]

    def promote(self, evidence: Evidence, *, operator: str, reason: str, current: Digests) -> Step:
        """Go one stage up; `current` are the digests of what would run there.

        Raises StateError, with nothing changed, if a gate is not passed, if it is in the last
        stage, or if code, configuration or plan are not those that were validated; ConfigError
        without a name or a reason.
        """
        _check_words(operator, reason)
        with self._history.locked():
            place = self._place()
            if place + 1 == len(self.plan.stages):
                self._refuse("it is in its last stage already")
            if self._plan_changed():
                self._refuse(
                    "the plan is not the one that it began with; admf rollout demote to the first "
                    "stage, then up again by the new plan"
                )
            failed = [gate.text for gate in self.check(evidence, current) if not gate.passed]
            if failed:
                self._refuse("; ".join(failed))
            return self._step("promote", place + 1, operator, reason, evidence, evidence.digests)

    def demote(self, *, operator: str, reason: str, to: str = "") -> Step:
        """Go down: to the stage before, or to the stage `to`; nothing has to be shown for it."""
        _check_words(operator, reason)
        with self._history.locked():
            place = self._place()
            goal = self.plan.place(to) if to else place - 1
            lower = [stage.name for stage in self.plan.stages[:place]]
            if not 0 <= goal < place:
                self._refuse(f"expected a stage below: {', '.join(lower) or 'there is none'}")
            return self._step("demote", goal, operator, reason, None, self._validated_at(goal))

    def observe(self, evidence: Evidence) -> Step | None:
        """Take what the present stage shows; goes down by itself, and says so, on a breach.

        Returns the step, or None if there was no breach, or nothing below to go to.
        """
        with self._history.locked():
            gates = check_gates(self.stage, evidence)
            breaches = [gate for gate in gates if gate.breach]
            place = self._place()
            logic = any(gate.name == "logic" for gate in breaches)
            other = [g for g in self._digest_gates(evidence, evidence.digests) if not g.passed]
            if other:  # what runs was never validated
                breaches, logic = [*breaches, *other], True
            goal = self.plan.fallback(place, logic=logic)
            if not breaches or goal == place:
                return None
            reason = "; ".join(gate.text for gate in breaches)[:REASON_MAX]
            return self._step("demote", goal, AUTOMATIC, reason, evidence, self._validated_at(goal))

    def transition_to_paper(
        self, percentage: float, *, operator: str = "", reason: str = "",
        evidence: Evidence | None = None, current: Digests | None = None,
    ) -> Step:  # fmt: skip
        """Put a fraction of the capital into paper, the rest into backtest: a stage of the plan."""
        return self._transition("paper", percentage, operator, reason, evidence, current)

    def transition_to_live(
        self, percentage: float, *, operator: str = "", reason: str = "",
        evidence: Evidence | None = None, current: Digests | None = None,
    ) -> Step:  # fmt: skip
        """Put a fraction of the capital into live, the rest into paper: a stage of the plan."""
        return self._transition("live", percentage, operator, reason, evidence, current)

    def order_split(self) -> OrderSplit:
        """Return a split of orders by the present stage; `reweigh` it when the stage changes."""
        return OrderSplit(self.stage.weights)

    def split(self, lots: int) -> dict[str, int]:
        """Return a position in whole lots (or capital in cents) by mode; adds up to `lots`."""
        return apportion(lots, self.stage.weights)

    def _transition(
        self, mode: str, percentage: float, operator: str, reason: str,
        evidence: Evidence | None, current: Digests | None,
    ) -> Step:  # fmt: skip
        stages = self.plan.stages
        share = Fraction(repr(float(percentage))) if 0.0 <= percentage <= 1.0 else -1
        goal = next((k for k, s in enumerate(stages) if s.mode == mode and s.share == share), -1)
        place = self._place()
        if goal < 0:
            known = ", ".join(f"{s.percent / 100.0:g}" for s in stages if s.mode == mode)
            raise ConfigError(
                f"transition to {mode}: expected the fraction of a stage of the plan, "
                f"{known or 'which has none'}; found {percentage!r}"
            )
        if goal < place:
            return self.demote(operator=operator, reason=reason, to=stages[goal].name)
        if goal != place + 1:
            after = stages[place + 1].name if place + 1 < len(stages) else "none"
            self._refuse(f"expected the next stage, {after}; found {stages[goal].name}")
        if evidence is None or current is None:
            self._refuse(
                "expected evidence of the present stage, and the digests of what is to run; found "
                "none"
            )
        return self.promote(evidence, operator=operator, reason=reason, current=current)

    def _place(self) -> int:
        if not self._history.steps:
            return 0
        last = self._history.steps[-1]
        place = self.plan.place(last.stage)
        same = place >= 0 and (last.mode, last.percent) == (
            self.plan.stages[place].mode, self.plan.stages[place].percent
        )  # fmt: skip
        if not same:
            raise StateError(
                f"{self.plan.state_folder}: the rollout is in stage {last.stage} ({last.mode} "
                f"{last.percent:g} %), which the plan does not have as such; give the plan of "
                "before"
            )
        return place

    def _plan_changed(self) -> bool:
        steps = self._history.steps
        # The first stage takes up whatever plan there is.
        return self._place() > 0 and steps[-1].plan != self.plan.digest

    @property
    def shown_ns(self) -> int:
        """The last bar that a stage of the present mode was left upwards for; 0 if there is none.

        Bars show something for one stage only. With what is validated anew, and in a backtest,
        all bars do.
        """
        used = [
            step.evidence.last_ts_ns
            for step in self._history.steps
            if step.action == "promote" and step.evidence is not None
            and self._mode_of(step.before) == self.stage.mode != "backtest"
            and step.evidence.digests == self.validated
        ]  # fmt: skip
        return max(used, default=0)

    def _mode_of(self, stage: str) -> str:
        place = self.plan.place(stage)
        return self.plan.stages[place].mode if place >= 0 else ""

    def _digest_gates(self, evidence: Evidence, current: Digests) -> list[Gate]:
        expected = self.validated if self._place() else None
        expected = expected or evidence.digests
        made = []
        for name, kind in (("configuration", "config"), ("code", "code")):
            validated = getattr(expected, kind)
            for whose, digests in (("of the run", evidence.digests), ("now", current)):
                found = getattr(digests, kind)
                made.append(
                    Gate(
                        name=f"{name} {whose}", passed=found == validated,
                        expected=f"the validated {validated[:16]}", found=found[:16],
                    )
                )  # fmt: skip
        return made

    def _validated_at(self, goal: int) -> Digests | None:
        return self.validated if goal else None

    def _step(
        self, action: Action, goal: int, operator: str, reason: str,
        evidence: Evidence | None, validated: Digests | None,
    ) -> Step:  # fmt: skip
        stage, before = self.plan.stages[goal], self.stage
        steps = self._history.steps
        # What the rollout goes by is fixed on leaving the first stage, and only then.
        plan = steps[-1].plan if goal and self._place() else self.plan.digest
        step = Step(
            sequence=len(steps) + 1, action=action, stage=stage.name, mode=stage.mode,
            percent=stage.percent, before=before.name,
            at=self._clock().astimezone(UTC).isoformat(timespec="seconds"), operator=operator,
            reason=reason, plan=plan, automatic=operator == AUTOMATIC,
            validated=validated, evidence=evidence,
        )  # fmt: skip
        self._history.append(step)
        return step

    def _refuse(self, why: str) -> NoReturn:
        raise StateError(f"rollout {self.plan.content.name}, stage {self.stage.name}: {why}")


def _check_words(operator: str, reason: str) -> None:
    if not OPERATOR.match(operator) or operator == AUTOMATIC:
        raise ConfigError(
            "operator: expected the name of who decides, 1 to 64 letters, digits, blanks or "
            f". @ + ' - _; found {operator[:64]!r}"
        )
    if not reason.strip() or len(reason) > REASON_MAX or not reason.isprintable():
        raise ConfigError(
            f"reason: expected a line of at most {REASON_MAX} characters; found {reason[:64]!r}"
        )
