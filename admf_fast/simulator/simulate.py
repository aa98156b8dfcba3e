"""Whole worlds, judged: one by one, many at once, and killed at every call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from admf_fast.simulator.calls import NEVER
from admf_fast.simulator.oracles import Evidence, digest_of, judge
from admf_fast.simulator.plan import Plan
from admf_fast.simulator.world import World


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a world.

    Attributes
    ----------
    happenings : int
        How much happened in it: what the feed delivered, what befell it, what was processed.
    moments : int
        Before and after each call that its process made, at which it could have been killed.
    faults : dict of str to int
        How often each fault struck, those of the feed left out.
    failures : list of str
        What the oracles say; empty if all is well.
    """

    plan: Plan
    digest: str
    lives: int
    bars: int
    fills: int
    happenings: int
    moments: int
    faults: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def simulate(plan: Plan) -> Result:
    """Let a world happen and judge it; whatever the process raises is a failure, too."""
    world = World(plan)
    try:
        world.run()
    except Exception as error:
        failure = f"{type(error).__name__}: {error} (after {world.timeline.count} happenings)"
        return _result(world, "", 0, 0, [failure])
    made = world.calls.moment
    world.calls.kill_at = NEVER  # who looks at what is left is not the process
    found = Evidence(world)
    failures = judge(found)
    world.calls.moment = made
    return _result(world, digest_of(found), found.core.bars, len(found.fills), failures)


def _result(world: World, digest: str, bars: int, fills: int, failures: list[str]) -> Result:
    return Result(
        plan=world.plan,
        digest=digest,
        lives=world.lives,
        bars=bars,
        fills=fills,
        happenings=world.happenings,
        moments=world.calls.moment,
        faults=world.strikes.counts,
        failures=failures,
    )


def shrink(result: Result) -> Result:
    """Return the world of a failure with every kind of fault left out that it does not take."""
    for fault in list(result.plan.rates):
        smaller = simulate(result.plan.without(fault))
        if smaller.failures:
            result = smaller
    return result


def killed_everywhere(plan: Plan, *, every: int = 1) -> Iterator[Result]:
    """Yield the undisturbed world, then worlds killed at each moment, or at every n-th.

    Each must end with the digest of the first; one that does not has that as a failure.
    """
    calm = replace(plan, rates={}, kill_at=NEVER)
    expected = simulate(calm)
    yield expected
    for moment in range(0, expected.moments, every):
        killed = simulate(replace(calm, kill_at=moment))
        if killed.digest != expected.digest and not killed.failures:
            text = f"killed at moment {moment} it ended as {killed.digest}, not {expected.digest}"
            killed.failures.append(text)
        yield killed
