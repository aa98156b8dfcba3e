"""What a place in the configuration expects, in words, and how to repair what was found there."""

import re
from typing import Any

from msgspec import inspect

from admf_fast.config.source import nearest

_LIMITS = (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))


def expected_text(hint: Any) -> str:
    """What a type accepts: `a number > 0`, `one of fixed, percent`."""
    return _text(inspect.type_info(hint))


def _text(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra or {}).get("expected") or _text(kind.type))
    if isinstance(kind, inspect.UnionType):
        return _union_text(kind)
    if isinstance(kind, inspect.LiteralType):
        # The empty text stands for "not said"; nobody needs to be told to write it.
        choices = [str(choice) for choice in kind.values if choice != ""]
        return ("one of " if len(choices) > 1 else "") + ", ".join(choices)
    if isinstance(kind, inspect.FloatType | inspect.IntType):
        noun = "a number" if isinstance(kind, inspect.FloatType) else "a whole number"
        limits = [(sign, getattr(kind, key)) for key, sign in _LIMITS]
        return noun + " and".join(
            f" {sign} {_plain_number(at)}" for sign, at in limits if at is not None
        )
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return f"a list, each item {_text(kind.item_type)}"
    if isinstance(kind, inspect.DictType):
        return f"a section, each value {_text(kind.value_type)}"
    if isinstance(kind, inspect.StructType):
        return "a section with the keys " + ", ".join(field.encode_name for field in kind.fields)
    return _word(kind)


def _plain_number(limit: float) -> str:
    return str(int(limit)) if limit == int(limit) else repr(limit)


def _word(kind: inspect.Type) -> str:
    words = {
        inspect.BoolType: "true or false",
        inspect.StrType: "text",
        inspect.NoneType: "nothing (null)",
    }
    return words.get(type(kind), type(kind).__name__.removesuffix("Type").lower())


def _union_text(kind: inspect.UnionType) -> str:
    texts = [_text(part) for part in kind.types]
    if "a number" in texts and "a whole number" in texts:
        texts.remove("a whole number")
    return " or ".join(dict.fromkeys(texts))


def remedy_text(value: object, hint: Any) -> str:
    """What to write instead, where that can be told; else empty."""
    if not isinstance(value, str):
        return ""
    kinds = _leaves(inspect.type_info(hint))
    choices = [
        str(choice)
        for kind in kinds
        if isinstance(kind, inspect.LiteralType)
        for choice in kind.values
    ]
    close = nearest(value, choices)
    if close:
        return f"; did you mean {close}?"
    if value.lower() in ("yes", "no", "on", "off", "true", "false"):
        if any(isinstance(kind, inspect.BoolType) for kind in kinds):
            return "; write true or false, without quotes"
    elif any(isinstance(kind, inspect.FloatType | inspect.IntType) for kind in kinds):
        return _number_remedy(value)
    return ""


def _leaves(kind: inspect.Type) -> list[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _leaves(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [leaf for part in kind.types for leaf in _leaves(part)]
    return [kind]


def _number_remedy(value: str) -> str:
    digits = re.sub(r"[_,' ]", "", value)
    if not re.fullmatch(r"[-+]?[0-9]{1,17}(\.[0-9]{0,17})?([eE][-+]?[0-9]{1,3})?", digits):
        return ""
    unpadded = re.sub(r"^([-+]?)0+(?=[0-9])", r"\1", digits)
    if unpadded == value:
        return f"; write {value} without quotes"
    return f"; write {unpadded}"
