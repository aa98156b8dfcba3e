"""``python -m bench``: measure everything and write the table."""

import argparse
import os
import sys
from pathlib import Path

from bench import (
    consistency,
    containers,
    execution,
    historical,
    indicators,
    journal,
    lanes,
    live,
    memory,
    report,
    scaling,
    startup,
    sweeps,
)
from bench.figure import FULL, QUICK, Figure

GROUPS = {
    "indicators": indicators.measure,
    "historical": historical.measure,
    "execution": execution.measure,
    "memory": memory.measure,
    "live": live.measure,
    "shadow": consistency.measure,
    "journal": journal.measure,
    "startup": startup.measure,
    "lanes": lanes.measure,
    "sweeps": sweeps.measure,
    "scaling": scaling.measure,
    "containers": containers.measure,
}


def main() -> int:
    """Run the chosen groups; a choice is printed only, the whole is written as well."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="little data, to see that it works")
    parser.add_argument("--out", type=Path, help="folder for results.json and results.md")
    options = parser.parse_args()
    unknown = set(options.groups) - set(GROUPS)
    if unknown:
        parser.error(f"no group {sorted(unknown)[0]!r}; expected of {', '.join(GROUPS)}")
    if os.getloadavg()[0] > 0.5:
        print(f"the machine is busy (load {os.getloadavg()[0]:.1f}): expect worse", file=sys.stderr)
    whole = not options.groups and not options.quick
    folder = options.out or (Path(__file__).parent if whole else None)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)  # before minutes of measuring
    figures: list[Figure] = []
    for name in options.groups or GROUPS:
        print(f"measuring {name}", file=sys.stderr)
        figures += GROUPS[name](QUICK if options.quick else FULL)
    print(report.markdown(figures))
    if folder:
        report.write(folder, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
