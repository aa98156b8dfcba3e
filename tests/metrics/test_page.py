"""docs/metrics.md names every metric once, and nothing else."""

import re
from pathlib import Path

from admf_fast import metrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def test_the_page_has_a_row_for_every_function():
    rows = re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE)
    functions = [n for n in metrics.__all__ if n.islower()]

    assert sorted(rows) == sorted(functions)


def test_every_function_says_what_nothing_gives():
    for name in (n for n in metrics.__all__ if n.islower()):
        (row,) = re.findall(rf"^\| `{name}`.*$", PAGE, re.MULTILINE)
        assert row.count(" | ") == 4, name
        assert all(cell.strip() for cell in row.strip("|").split(" | ")), name
