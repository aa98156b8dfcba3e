"""From the text of an expression to its words, each with its column."""

import re
from typing import NamedTuple, NoReturn

from admf_kernels.expressions.errors import ExpressionError

TEXT_MAX = 2000
_WORD = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<operator>\*\*|//|<=|>=|==|!=|<>|&&|\|\||:=|[-+*/<>=(),.!%&|^~\[\]{}@$:?;#\\])"
)
_LAG = "an earlier value is lag(close, 1)"
_PARAMETER = "write the bare name of the parameter"
_CHOICE = "write a if condition else b"
_PRODUCT = "write the product out, such as close * close"
_HINTS = {
    "**": _PRODUCT, "^": _PRODUCT, "//": "write / and compare", "%": "there is no remainder here",
    "&": "write and", "&&": "write and", "|": "write or", "||": "write or",
    "!": "write not", "~": "write not", "<>": "write !=", "?": _CHOICE,
    ":=": "name it under variables", "[": _LAG, "]": _LAG, "$": _PARAMETER, "{": _PARAMETER,
    "#": "comments stand outside the expression",
}  # fmt: skip
KNOWN = frozenset(("<=", ">=", "==", "!=", *"-+*/<>=(),."))
# Words of other languages that nobody should have to find out about by a puzzle.
FOREIGN = {
    **dict.fromkeys(
        (
            "lambda", "import", "from", "for", "while", "def", "class", "return", "yield", "await",
            "async", "del", "try", "with", "None", "nan", "inf",
        ),
        "",
    ),
    "in": "write between(x, low, high)", "is": "write ==", "then": _CHOICE,
    "AND": "write and", "OR": "write or", "NOT": "write not",
}  # fmt: skip


class Word(NamedTuple):
    """One word: number, name, text or operator (its own kind), and where it starts."""

    kind: str
    text: str
    at: int


def words_of(text: str) -> list[Word]:
    """Return the words of an expression; the last has the kind "end"."""
    if len(text) > TEXT_MAX:
        raise ExpressionError(f"expected at most {TEXT_MAX} characters, found {len(text)}", 1)
    found, at = [], 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            _refuse_character(text, at)
        kind, word = str(match.lastgroup), match.group()
        if kind == "operator":
            kind = word
        if kind not in KNOWN and kind not in ("space", "number", "name", "text"):
            hint = _HINTS.get(word, "")
            raise ExpressionError(
                f"{word!r} is no part of an expression{'; ' + hint if hint else ''}", at + 1
            )
        if kind == "number" and match.end() < len(text) and _continues(text[match.end()]):
            end = re.compile(r"[A-Za-z0-9_.]*").match(text, at)
            raise ExpressionError(
                f"expected a number such as 20 or 0.5, found {end.group() if end else word!r}",
                at + 1,
            )
        if kind != "space":
            found.append(Word(kind, word, at + 1))
        at = match.end()
    return [*found, Word("end", "", len(text) + 1)]


def _continues(character: str) -> bool:
    return character.isalnum() or character in "_."


def _refuse_character(text: str, at: int) -> NoReturn:
    if text[at] in "\"'":
        raise ExpressionError(f"expected a closing {text[at]} after the time of day", at + 1)
    raise ExpressionError(
        f"{text[at]!a} is no part of an expression; write letters A-Z a-z, digits, _ and operators",
        at + 1,
    )
