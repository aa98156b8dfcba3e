"""The page of the configuration shows every key, and each of its examples is valid."""

import re
from pathlib import Path

import yaml

from admf_fast.config import json_schema, parse_config

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "configuration.md").read_text()
STRATEGIES = (DOCS / "strategies.md").read_text()  # what `strategy` holds has a page of its own
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def keys_of(data):
    if isinstance(data, dict):
        return set(data).union(*(keys_of(value) for value in data.values()))
    return set().union(*(keys_of(item) for item in data)) if isinstance(data, list) else set()


def test_every_example_is_valid():
    assert len(BLOCKS) == 3
    for block in BLOCKS:
        parse_config(block, name="page.yaml", format="yaml")


def test_every_key_is_on_the_page():
    schema = json_schema()
    sections = {name: section for name, section in schema["$defs"].items() if name != "BarSpec"}
    known = set(schema["properties"]).union(*(s["properties"] for s in sections.values()))
    shown = set().union(*(keys_of(yaml.safe_load(block)) for block in BLOCKS))
    for code in re.findall(r"`([^`\n]+)`|^ *(\w+):", PAGE + STRATEGIES, re.MULTILINE):
        shown |= set(re.findall(r"\w+", " ".join(code)))
    assert known - shown == set()
