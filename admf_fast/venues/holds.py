"""Who keeps new entries from being made; the same rule for the core and for the gateway."""

from admf_fast.journal.messages import Command

FEED = "feed"  # origin of the hold that a feed's guard puts on entries, and lifts itself


def holds_after(holds: tuple[str, ...], command: Command) -> tuple[str, ...]:
    """Return the origins that hold entries after a command, in order of their names.

    A feed lifts only its own hold; an operator's `resume` lifts every other one.
    """
    if command.action != "resume":
        return tuple(sorted({*holds, command.origin}))
    feeds = command.origin == FEED
    return tuple(held for held in holds if (held == FEED) != feeds)
