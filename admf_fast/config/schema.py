"""JSON Schema of a configuration file, for editors."""

import re
from inspect import cleandoc
from typing import Any

import msgspec

from admf_fast.config.distance import UNITS
from admf_fast.config.model import ConfigContent

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTES = re.compile(r"\n\nAttributes\n-+\n")
_ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*)\n((?:    .*(?:\n|\Z))+)", re.MULTILINE)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a configuration file, described by the model's own docstrings."""
    schema: dict[str, Any] = msgspec.json.schema(ConfigContent)
    for definition in schema["$defs"].values():
        definition["description"] = cleandoc(definition["description"])
        _describe_properties(definition)
        if definition["properties"].keys() >= set(UNITS):
            definition["oneOf"] = [{"required": [unit]} for unit in UNITS]
    content = schema["$defs"].pop("ConfigContent")
    content["title"] = "admf-fast configuration"
    for key in ("name", "bars", "instruments"):  # a file has its own name, and either of the others
        del content["properties"][key]["default"]
    content["oneOf"] = [
        {"required": ["bars"], "not": {"required": ["instruments"]}},
        {
            "required": ["instruments"],
            "not": {"anyOf": [{"required": ["bars"]}, {"required": ["instrument"]}]},
        },
    ]
    return {"$schema": SCHEMA_DIALECT, **content, "$defs": schema["$defs"]}


def _describe_properties(definition: dict[str, Any]) -> None:
    """Move what a docstring says under `Attributes` to the properties it speaks of."""
    summary, *attributes = _ATTRIBUTES.split(definition["description"])
    if not attributes:
        return
    definition["description"] = " ".join(summary.split())
    for names, text in _ATTRIBUTE.findall(attributes[0]):
        for name in names.split(", "):
            definition["properties"][name].setdefault("description", " ".join(text.split()))
