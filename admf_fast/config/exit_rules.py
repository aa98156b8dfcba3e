"""Rules of the exits: units, orders and sums of distances."""

from decimal import Decimal

from admf_fast.config.distance import AnyDistance
from admf_fast.config.distance_rules import check_one_unit, checked, comparable, told
from admf_fast.config.exits import TARGETS_MAX
from admf_fast.config.markets import without_calendar
from admf_fast.config.model import ConfigContent
from admf_fast.config.source import KeyPath, Problems, key_text

Found = tuple[KeyPath, AnyDistance]


def check_exits(config: ConfigContent, problems: Problems) -> None:
    """Note every rule of the exits that is broken."""
    exits = config.exits
    checked(config, ("exits", "stop_loss"), exits.stop_loss, problems, below="a stop")
    last = _check_targets(config, problems)
    _check_trailing(config, last, problems)
    _check_break_even(config, last, problems)
    if exits.session_end:
        _check_calendar(config, problems)
    execution = config.execution
    if exits.base == "close" and execution.entry_bar != "none" and execution.fill == "next_open":
        text = "expected only with execution.entry_bar none, or fill same_close; found close"
        problems.add(("exits", "base"), f"{text}, with {execution.entry_bar}")
    if isinstance(exits.memory, tuple):
        doubled = sorted({kind for kind in exits.memory if exits.memory.count(kind) > 1})
        if doubled:
            text = f"expected every exit once; found {', '.join(doubled)} twice"
            problems.add(("exits", "memory"), text)


def _check_targets(config: ConfigContent, problems: Problems) -> Found | None:
    """The last target if it leaves nothing of the position; notes what is wrong with them."""
    targets = config.exits.targets
    path: KeyPath = ("exits", "take_profit")
    if len(targets) > TARGETS_MAX:
        problems.add(path, f"expected at most {TARGETS_MAX} targets; found {len(targets)}")
        return None
    parts = [Decimal(repr(target.part)) for target in targets]
    total = sum(parts, Decimal(0))
    if total > 100:
        summed = " + ".join(repr(target.part) for target in targets)
        text = f"expected parts of at most 100 per cent together; found {summed} = {total}"
        problems.add(path, f"{text}; what the parts leave stays in the position")
    # A short position gains at most its whole price.
    below = "the target of a short position" if config.direction == "short_only" else ""
    before: Found | None = None
    for k, target in enumerate(targets):
        at = path if config.exits.take_profit is target else (*path, k)
        distance = checked(config, at, target, problems, below=below)
        if distance is None:
            return None
        if before and not _check_rising(config, before, (at, distance), problems):
            return None
        before = (at, distance)
    return before if total == 100 else None


def _check_rising(config: ConfigContent, before: Found, found: Found, problems: Problems) -> bool:
    (old_path, old), (path, distance) = before, found
    if not check_one_unit(path, distance, old, key_text(old_path), problems):
        return False
    numbers = comparable(config, old, distance)
    if numbers and numbers[1] <= numbers[0]:
        text = f"expected more than {key_text(old_path)}, {told(old)}; found {told(distance)}"
        problems.add(path, f"{text}; list the nearest target first")
        return False
    return True


def _check_trailing(config: ConfigContent, last: Found | None, problems: Problems) -> None:
    path: KeyPath = ("exits", "trailing_stop")
    spec = config.exits.trailing_stop
    if not spec or not checked(config, path, spec, problems, below="a stop") or not last:
        return
    numbers = comparable(config, spec, last[1])
    if numbers and spec.start * numbers[0] / spec.value >= numbers[1]:
        text = f"expected less than {key_text(last[0])}, {told(last[1])}"
        text += f"; found {spec.start!r} {spec.unit}; it would never follow"
        problems.add((*path, "start"), text)


def _check_break_even(config: ConfigContent, last: Found | None, problems: Problems) -> None:
    path: KeyPath = ("exits", "break_even")
    spec = config.exits.break_even
    if not spec or not checked(config, path, spec, problems):
        return
    if spec.offset >= spec.value:
        text = f"expected less than the gain that moves the stop, {told(spec)}"
        problems.add((*path, "offset"), f"{text}; found {spec.offset!r} {spec.unit}")
    numbers = comparable(config, spec, last[1]) if last else None
    if last and numbers and numbers[0] >= numbers[1]:
        text = f"expected less than {key_text(last[0])}, {told(last[1])}; found {told(spec)}"
        problems.add(path, f"{text}; the stop would never move")


def _check_calendar(config: ConfigContent, problems: Problems) -> None:
    missing = without_calendar(config)
    if missing:
        text = "expected a calendar that says when sessions end; found none"
        problems.add(("exits", "session_end"), f"{text}; add {missing}")
