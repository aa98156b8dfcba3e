"""Rules of distances, and which of them can be compared."""

from msgspec import UnsetType

from admf_fast.config.distance import UNITS, AnyDistance
from admf_fast.config.markets import check_has_ticks, markets
from admf_fast.config.model import ConfigContent
from admf_fast.config.source import KeyPath, Problems, key_text


def checked(
    config: ConfigContent,
    path: KeyPath,
    distance: AnyDistance | UnsetType,
    problems: Problems,
    below: str = "",
) -> AnyDistance | None:
    """The distance if there is one that can be compared further; notes what is wrong with it.

    `below` names what lies below the price by it: it must be less than 100 per cent.
    """
    if not isinstance(distance, AnyDistance):
        return None
    units = list(distance.units)
    if len(units) != 1:
        found = ", ".join(units) if units else "none of them"
        problems.add(path, f"expected exactly one of {', '.join(UNITS)}; found {found}")
        return None
    if distance.unit == "ticks":
        check_has_ticks(config, (*path, "ticks"), problems)
    if below and distance.unit == "percent" and distance.value >= 100.0:
        text = f"expected less than 100 per cent for {below} below the price"
        problems.add((*path, "percent"), f"{text}; found {distance.value!r}")
    return distance


def dimension(distance: AnyDistance) -> str:
    """The unit that the engine counts a distance in: ticks are amounts."""
    return "amount" if distance.unit == "ticks" else distance.unit


def check_one_unit(
    path: KeyPath, distance: AnyDistance, other: AnyDistance, name: str, problems: Problems
) -> bool:
    """Whether two distances are in one unit; notes it if they are not."""
    if dimension(distance) == dimension(other):
        return True
    text = f"expected the unit of {name}, {other.unit} (amount and ticks are one)"
    problems.add(path, f"{text}; found {distance.unit}")
    return False


def comparable(config: ConfigContent, *distances: AnyDistance) -> list[float] | None:
    """The distances as numbers that can be compared; None if their units do not allow it."""
    if len({distance.unit for distance in distances}) == 1:
        return [distance.value for distance in distances]
    sizes = {market.tick_size for _, market in markets(config)}
    (size,) = sizes if len(sizes) == 1 else (None,)
    if {dimension(distance) for distance in distances} != {"amount"} or not size:
        return None
    assert not isinstance(size, UnsetType)
    return [d.value * size if d.unit == "ticks" else d.value for d in distances]


def told(distance: AnyDistance) -> str:
    """A distance for a message: `0.5 percent`."""
    return f"{distance.value!r} {distance.unit}"


def told_path(path: KeyPath, distance: AnyDistance) -> str:
    """A distance with the key it is at: `exits.stop_loss 0.5 percent`."""
    return f"{key_text(path)} {told(distance)}"
