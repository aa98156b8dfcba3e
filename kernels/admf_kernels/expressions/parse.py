"""From the text of an expression to its tree.

Grammar, loosest first; nothing else is read, and nothing of it is ever executed::

    choice      or [ "if" or "else" choice ]
    or          and { "or" and }
    and         not { "and" not }
    not         "not" not | comparison
    comparison  terms { ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) terms }
    terms       product { ( "+" | "-" ) product }
    product     unary { ( "*" | "/" ) unary }
    unary       "-" unary | atom { "." name }
    atom        number | "HH:MM" | "true" | "false" | name | name "(" arguments ")" | "(" choice ")"
    arguments   [ argument { "," argument } ]      argument  choice | name "=" choice
"""

import math
import re
from collections.abc import Callable
from typing import NoReturn

from admf_kernels.expressions.errors import ExpressionError
from admf_kernels.expressions.tree import (
    Arithmetic,
    Call,
    Choice,
    Clock,
    Comparison,
    Logic,
    Name,
    Negative,
    Not,
    Number,
    OutputOf,
    Tree,
    Truth,
    deeper,
)
from admf_kernels.expressions.words import FOREIGN, Word, words_of

OPEN_MAX = 40
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
RESERVED = frozenset(("and", "or", "not", "if", "else", "true", "false", "True", "False"))
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")


def parse(text: str) -> Tree:
    """Return the tree of an expression; raises ExpressionError with the column."""
    parser = _Parser(words_of(text))
    tree = parser.choice()
    parser.expect("end", "an operator or the end")
    return tree


class _Parser:
    def __init__(self, words: list[Word]) -> None:
        self.words = words
        self.place = 0
        self.open = 0  # how many levels are being read

    @property
    def word(self) -> Word:
        return self.words[self.place]

    def next_is(self, *texts: str) -> bool:
        return self.word.kind != "text" and self.word.text in texts

    def take(self) -> Word:
        word = self.word
        self.place += 1
        return word

    def expect(self, kind: str, wanted: str) -> Word:
        if self.word.kind != kind:
            self.refuse(wanted)
        return self.take()

    def refuse(self, wanted: str) -> NoReturn:
        word = self.word
        found = "the end" if word.kind == "end" else repr(word.text)
        hint = FOREIGN.get(word.text, "")
        if word.text == "=":
            hint = "write == to compare"
        raise ExpressionError(
            f"expected {wanted}, found {found}{'; ' + hint if hint else ''}", word.at
        )

    def level(self, read: Callable[[], Tree]) -> Tree:
        """Read one more level, unless there are too many."""
        self.open += 1
        if self.open > OPEN_MAX:
            raise ExpressionError(
                f"nested deeper than {OPEN_MAX} levels; name parts of it under variables",
                self.word.at,
            )
        tree = read()
        self.open -= 1
        return tree

    def choice(self) -> Tree:
        return self.level(self._choice)

    def _choice(self) -> Tree:
        yes = self.logic("or")
        if not self.next_is("if"):
            return yes
        at = self.take().at
        condition = self.logic("or")
        if not self.next_is("else"):
            self.refuse("'else' after 'if'")
        self.take()
        no = self.choice()
        return Choice(condition, yes, no, at=at, depth=deeper(at, condition, yes, no))

    def logic(self, operator: str) -> Tree:
        read = self.inverse if operator == "and" else lambda: self.logic("and")
        operands = [read()]
        at = self.word.at
        while self.next_is(operator):
            self.take()
            operands.append(read())
        if len(operands) == 1:
            return operands[0]
        return Logic(operator, tuple(operands), at=at, depth=deeper(at, *operands))

    def inverse(self) -> Tree:
        if not self.next_is("not"):
            return self.comparison()
        at = self.take().at
        operand = self.level(self.inverse)
        return Not(operand, at=at, depth=deeper(at, operand))

    def comparison(self) -> Tree:
        operators, operands = [], [self.terms()]
        at = self.word.at
        while self.word.kind in COMPARISONS:
            operators.append(self.take().text)
            operands.append(self.terms())
        if not operators:
            return operands[0]
        depth = deeper(at, *operands)
        return Comparison(tuple(operators), tuple(operands), at=at, depth=depth)

    def terms(self) -> Tree:
        return self.chain(("+", "-"), lambda: self.chain(("*", "/"), self.unary))

    def chain(self, operators: tuple[str, ...], read: Callable[[], Tree]) -> Tree:
        left = read()
        while self.word.kind in operators:
            operator = self.take()
            right = read()
            depth = deeper(operator.at, left, right)
            left = Arithmetic(operator.text, left, right, at=operator.at, depth=depth)
        return left

    def unary(self) -> Tree:
        if self.word.kind == "-":
            at = self.take().at
            operand = self.level(self.unary)
            return Negative(operand, at=at, depth=deeper(at, operand))
        tree = self.atom()
        while self.word.kind == ".":
            at = self.take().at
            output = self.expect("name", "the name of an output, such as lower")
            if not isinstance(tree, Call | Name):
                raise ExpressionError(
                    f"only a feature has outputs, such as bollinger(20).lower; found "
                    f"'.{output.text}' behind something else",
                    at,
                )
            tree = OutputOf(tree, output.text, at=at, depth=deeper(at, tree))
        return tree

    def atom(self) -> Tree:
        word = self.word
        if word.kind == "number":
            return self.number()
        if word.kind == "text":
            return self.clock()
        if word.kind == "(":
            self.take()
            tree = self.choice()
            self.expect(")", "an operator or ')'")
            return tree
        if word.kind != "name" or word.text in FOREIGN or word.text in RESERVED - _TRUTH:
            self.refuse("a number, a name, a feature or '('")
        self.take()
        if word.text in _TRUTH:
            return Truth(word.text.lower() == "true", at=word.at)
        if self.word.kind == "(":
            return self.call(word)
        return Name(word.text, at=word.at)

    def number(self) -> Tree:
        word = self.take()
        value = float(word.text)
        if not math.isfinite(value):
            raise ExpressionError(f"expected a number below 1.8e308, found {word.text}", word.at)
        return Number(value, at=word.at)

    def clock(self) -> Tree:
        word = self.take()
        found = _CLOCK.match(word.text[1:-1])
        if not found:
            raise ExpressionError(
                f'expected a time of day such as "09:30", found {word.text[1:-1][:40]!a}; '
                "no other text can stand in an expression",
                word.at,
            )
        return Clock(60 * int(found[1]) + int(found[2]), at=word.at)

    def call(self, name: Word) -> Tree:
        self.take()
        arguments: list[Tree] = []
        keywords: dict[str, Tree] = {}
        while self.word.kind != ")" or self.words[self.place - 1].kind == ",":
            if self.word.kind == "name" and self.words[self.place + 1].kind == "=":
                key = self.take()
                self.take()
                if key.text in keywords:
                    raise ExpressionError(f"{key.text} is given twice", key.at)
                keywords[key.text] = self.choice()
            elif keywords:
                self.refuse("another name=value, as values by place come first")
            else:
                arguments.append(self.choice())
            if self.word.kind != ")":
                self.expect(",", "',' or ')'")
        self.take()
        depth = deeper(name.at, *arguments, *keywords.values())
        pairs = tuple(keywords.items())
        return Call(name.text, tuple(arguments), pairs, at=name.at, depth=depth)


_TRUTH = frozenset(("true", "false", "True", "False"))
