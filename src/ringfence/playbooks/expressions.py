"""JMESPath in playbooks: `${…}` inside values, and whole fields that are one expression (`if`, `where`, `test`).

A value that is exactly one `${…}` keeps the type of its result. Otherwise results are joined as text: null is nothing,
booleans are true/false, lists and objects are compact JSON. `$${` writes `${` itself. What an expression gives is data
and is never looked at for expressions again, so alert content cannot become one.

Every cost is bounded, because authors and alerts are both hostile until proven otherwise: the length and nesting of an
expression, the work of evaluating it, and the size and nesting of what it gives. Each failure is one ExpressionError.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from jmespath import exceptions as jmes
from jmespath.functions import Functions
from jmespath.parser import Parser

from ringfence.errors import Invalid
from ringfence.playbooks.bounded import MAX_NESTING, MAX_RESULT, NotJson, TooMuch
from ringfence.playbooks.interpreter import run
from ringfence.playbooks.model import Json

if TYPE_CHECKING:
    from jmespath.visitor import _TreeNode

MAX_EXPRESSION: Final = 4_096


class ExpressionError(Invalid):
    """An expression that cannot be read or evaluated; `offset` is the character where reading stopped, if known."""

    code = "invalid_expression"

    def __init__(self, expression: str, reason: str, *, offset: int | None = None) -> None:
        shown = expression if len(expression) <= 120 else f"{expression[:117]}…"
        super().__init__(f"The expression {shown!r} {reason}.")
        self.expression = expression
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled JMESPath expression; make it with `compile_expression`."""

    text: str
    tree: "_TreeNode"

    def evaluate(self, data: object) -> Json:
        """Give the value of the expression over JSON data; ExpressionError if it cannot be had."""
        try:
            return run(self.tree, data)
        except TooMuch:
            raise ExpressionError(self.text, "asks for more work or a larger result than is allowed") from None
        except NotJson as error:
            raise ExpressionError(self.text, error.reason) from None
        except jmes.JMESPathTypeError as error:
            expected = " or ".join(str(kind) for kind in error.expected_types)
            reason = f"gives {error.function_name}() a value of type {error.actual_type}, where {expected} is needed"
            raise ExpressionError(self.text, reason) from None
        except RecursionError:
            raise ExpressionError(self.text, "meets data that is nested too deeply") from None
        except (jmes.JMESPathError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # JMESPath leaves some mismatches, such as 'a' < `1`, to Python.
            raise ExpressionError(self.text, f"cannot be used on this data ({type(error).__name__})") from None


@dataclass(frozen=True, slots=True)
class References:
    """What an expression over the run document looks at: top names, steps by name, and inputs of a component by name."""

    variables: frozenset[str]
    steps: frozenset[str]
    inputs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Template:
    """A text with its expressions; `offsets` are the characters where each expression starts in the text."""

    parts: tuple[str | Expression, ...]
    offsets: tuple[int, ...]

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """List the expressions in the order of the text."""
        return tuple(part for part in self.parts if isinstance(part, Expression))

    def render(self, document: object) -> Json:
        """Give the value of the text over a run document."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].evaluate(document)
        size, texts = 0, []
        for part in self.parts:
            texts.append(part if isinstance(part, str) else to_text(part.evaluate(document)))
            size += len(texts[-1])
            if size > MAX_RESULT:
                raise ExpressionError(self.expressions[0].text, "makes a text that is longer than allowed")
        return "".join(texts)


@lru_cache(maxsize=4_096)
def compile_expression(text: str) -> Expression:
    """Read one JMESPath expression; ExpressionError with the offset if it is not one."""
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(text, f"is longer than {MAX_EXPRESSION} characters", offset=0)
    if not text.strip():
        raise ExpressionError(text, "is empty", offset=0)
    _refuse_loose_literals(text)
    try:
        tree = Parser().parse(text).parsed
    except jmes.LexerError as error:
        raise ExpressionError(text, f"has a mistake: {error.message}", offset=error.lexer_position) from None
    except jmes.IncompleteExpressionError:
        raise ExpressionError(text, "is not complete", offset=len(text)) from None
    except jmes.ParseError as error:
        reason = f"has an unexpected {error.token_value!r}" if error.token_value else "is not complete"
        raise ExpressionError(text, reason, offset=error.lex_position) from None
    except RecursionError:
        raise ExpressionError(text, "is nested too deeply", offset=0) from None
    except (ValueError, LookupError):
        raise ExpressionError(text, "is not JMESPath", offset=0) from None
    _inspect(text, tree)
    return Expression(text, tree)


@lru_cache(maxsize=4_096)
def compile_template(text: str) -> Template:
    """Read a text with `${…}` in it; ExpressionError with the offset in the whole text."""
    parts: list[str | Expression] = []
    offsets: list[int] = []
    plain, at = "", 0
    while (found := text.find("${", at)) >= 0:
        if found > at and text[found - 1] == "$":
            plain += text[at : found - 1] + "${"
            at = found + 2
            continue
        end = _closing_brace(text, found + 2)
        if end is None:
            raise ExpressionError(text[found:], "has no closing }", offset=found)
        try:
            expression = compile_expression(text[found + 2 : end])
        except ExpressionError as error:
            offset = found + 2 + (error.offset or 0)
            raise ExpressionError(error.expression, error.reason, offset=offset) from None
        plain += text[at:found]
        if plain:
            parts.append(plain)
        plain, at = "", end + 1
        parts.append(expression)
        offsets.append(found + 2)
    plain += text[at:]
    if plain or not parts:
        parts.append(plain)
    return Template(tuple(parts), tuple(offsets))


def evaluate(expression: str, data: object) -> Json:
    """Compile (once) and evaluate an expression over JSON data."""
    return compile_expression(expression).evaluate(data)


def is_true(value: Json) -> bool:
    """Tell whether a value counts as true the way JMESPath sees it: null, false and anything empty do not."""
    return not (value is None or value is False or value in ("", [], {}))


def holds(expression: str, data: object) -> bool:
    """Tell whether an expression (`if`, `where`, `test`) is true over JSON data."""
    return is_true(evaluate(expression, data))


def render(value: Json, document: object) -> Json:
    """Replace the expressions in every text inside a value, however deep; names of fields are left alone."""
    if isinstance(value, str):
        return compile_template(value).render(document) if "${" in value else value
    if isinstance(value, list):
        return [render(item, document) for item in value]
    if isinstance(value, dict):
        return {key: render(item, document) for key, item in value.items()}
    return value


def render_inputs(values: Mapping[str, Json], raw: tuple[str, ...], document: object) -> dict[str, Json]:
    """Give the inputs of a step: everything rendered but the parameters in `raw`, which are expressions themselves."""
    return {name: value if name in raw else render(value, document) for name, value in values.items()}


def to_text(value: Json) -> str:
    """Write a value as it appears inside a longer text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def references(expression: str) -> References:
    """Say which top names and which steps an expression over the run document looks at."""
    variables: set[str] = set()
    named: dict[str, set[str]] = {"steps": set(), "inputs": set()}
    _look(compile_expression(expression).tree, "root", variables, named)
    return References(frozenset(variables), frozenset(named["steps"]), frozenset(named["inputs"]))


def _look(node: "_TreeNode", scope: str, variables: set[str], named: dict[str, set[str]]) -> str:
    """Follow where a node starts from: the run document (root), its `steps` or `inputs`, or elsewhere; return where it ends."""
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        if scope == "root":
            variables.add(node["value"])
            return node["value"] if node["value"] in named else "else"
        if scope in named:
            named[scope].add(node["value"])
        return "else"
    if kind in ("current", "identity"):
        return scope
    if kind in ("subexpression", "pipe", "index_expression"):
        for child in children:
            scope = _look(child, scope, variables, named)
        return scope
    if kind in ("projection", "value_projection", "filter_projection", "flatten"):
        _look(children[0], scope, variables, named)
        for child in children[1:]:
            _look(child, "else", variables, named)
        return "else"
    if kind == "slice":
        return "else"
    for child in children:
        _look(child, "else" if kind == "expref" else scope, variables, named)
    return "else"


def _inspect(text: str, tree: "_TreeNode") -> None:
    """Refuse at compile time what JMESPath notices only when it evaluates."""
    level: list[_TreeNode] = [tree]
    depth = 0
    while level:
        depth += 1
        if depth > MAX_NESTING:
            raise ExpressionError(text, "is nested too deeply", offset=0)
        below: list[_TreeNode] = []
        for node in level:
            if node["type"] == "slice":
                if node["children"][2] == 0:  # type: ignore[comparison-overlap]  # a slice keeps numbers here
                    raise ExpressionError(text, "has a slice with a step of 0", offset=0)
                continue
            if node["type"] == "function_expression":
                _inspect_call(text, node["value"], len(node["children"]))
            below.extend(node.get("children", []))
        level = below


def _inspect_call(text: str, name: str, given: int) -> None:
    offset = max(text.find(name), 0)
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        near = get_close_matches(name, Functions.FUNCTION_TABLE, 1)
        hint = f" (did you mean {near[0]}()?)" if near else ""
        raise ExpressionError(text, f"calls {name}(), which does not exist{hint}", offset=offset)
    signature = known["signature"]
    variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if given < len(signature) or (given > len(signature) and not variadic):
        many = f"at least {len(signature)}" if variadic else str(len(signature))
        raise ExpressionError(text, f"gives {name}() {given} arguments instead of {many}", offset=offset)


_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`""", re.DOTALL)
_QUOTES = frozenset("'\"`")


def _refuse_loose_literals(text: str) -> None:
    """Demand JSON between backticks: JMESPath's old habit of taking anything there as text hides mistakes."""
    for found in _QUOTED.finditer(text):
        if found[0][0] != "`":
            continue
        try:
            json.loads(found[0][1:-1].replace("\\`", "`"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            reason = f"has {found[0][:40]}, which is not JSON; write text in single quotes"
            raise ExpressionError(text, reason, offset=found.start()) from None


def _refuse_constant(name: str) -> Json:
    raise ValueError(name)


def _closing_brace(text: str, start: int) -> int | None:
    depth, at = 1, start
    while at < len(text):
        character = text[at]
        if character in _QUOTES:
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                return None
            at = quoted.end()
            continue
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth == 0:
            return at
        at += 1
    return None
