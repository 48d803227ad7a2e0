"""Read a query: a table, then operators after bars.

Written by hand because no library fits: the kept-up parsers of this language are not written in Python, general
parser generators are not among what the project already installs (sly, which comes with odata-query, is neither
typed nor maintained any more), and the part of the language that is served needs no more than this file.
"""

from ringfence.simulator import timestamps
from ringfence.simulator.hunting import syntax
from ringfence.simulator.hunting.syntax import (
    Column,
    Comparison,
    Condition,
    Constant,
    Invocation,
    Joined,
    Negation,
    Operand,
    Query,
    QuerySyntaxError,
    Step,
    Token,
)

_DEEPEST = 40
_MOST_ROWS = 1_000_000_000
_ORDERINGS = {"==", "!=", "=~", "!~", "<", "<=", ">", ">="}
_TESTS = {"has", "contains", "startswith", "endswith", "in", "between"}
_FUNCTIONS = {"strcat", "tostring", "tolower", "toupper", "isempty", "isnotempty"}
_KEYWORDS = {"and", "or", "not", "by", "asc", "desc", "true", "false", *_TESTS}


def parse(text: str, now: float) -> Query:
    """Parse a query; `now` is the moment that ago() and now() count from. Raises QuerySyntaxError."""
    return _Parser(syntax.words(text), now).query()


class _Parser:
    def __init__(self, words: list[Token], now: float) -> None:
        self._words = words
        self._place = 0
        self._now = now

    @property
    def _next(self) -> Token:
        return self._words[self._place]

    def _sees(self, *texts: str) -> bool:
        word = self._next
        return word.kind in ("sign", "name") and word.text in texts

    def _take(self) -> Token:
        word = self._next
        if word.kind == "end":
            raise QuerySyntaxError
        self._place += 1
        return word

    def _skip(self, *texts: str) -> bool:
        if self._sees(*texts):
            self._place += 1
            return True
        return False

    def _expect(self, *texts: str) -> None:
        if not self._skip(*texts):
            raise QuerySyntaxError

    def _name(self) -> str:
        word = self._take()
        if word.kind != "name" or word.text in _KEYWORDS:
            raise QuerySyntaxError
        return word.text

    def query(self) -> Query:
        table = self._name()
        steps: list[Step] = []
        while self._skip("|"):
            steps += self._step()
        self._skip(";")
        if self._next.kind != "end":
            raise QuerySyntaxError
        return Query(table, tuple(steps))

    def _step(self) -> list[Step]:
        word = self._take()
        operator = word.text if word.kind == "name" else ""
        if operator in ("where", "filter"):
            return [syntax.Where(self._condition(0))]
        if operator == "project":
            return [syntax.Project(tuple(self._named_columns()))]
        if operator in ("take", "limit"):
            return [syntax.Take(self._count())]
        if operator == "summarize":
            return [self._summarize()]
        if operator == "distinct":
            return [syntax.Summarize((), tuple((name, name) for name in self._names()), operator)]
        if operator == "count":
            return [syntax.Summarize(("Count",), (), operator)]
        if operator in ("order", "sort"):
            self._expect("by")
            return [syntax.Sort(tuple(self._sort_keys()), operator)]
        if operator == "top":
            count = self._count()
            self._expect("by")
            return [syntax.Sort((self._sort_key(),), "top"), syntax.Take(count)]
        raise QuerySyntaxError

    def _count(self) -> int:
        word = self._take()
        if not isinstance(word.value, int) or word.kind != "number" or word.value > _MOST_ROWS:
            raise QuerySyntaxError
        return word.value

    def _named_columns(self) -> list[tuple[str, str]]:
        found = []
        while True:
            name = self._name()
            found.append((name, self._name()) if self._skip("=") else (name, name))
            if not self._skip(","):
                return found

    def _names(self) -> list[str]:
        found = [self._name()]
        while self._skip(","):
            found.append(self._name())
        return found

    def _summarize(self) -> Step:
        counts: list[str] = []
        while not self._sees("by"):
            name = self._name()
            given = name if self._skip("=") else None
            function = self._name() if given else name
            if function != "count":
                raise QuerySyntaxError
            self._expect("(")
            self._expect(")")
            counts.append(given or "count_")
            if not self._skip(","):
                break
            if self._sees("by"):
                raise QuerySyntaxError
        by = self._named_columns() if self._skip("by") else []
        return syntax.Summarize(tuple(counts), tuple(by))

    def _sort_keys(self) -> list[tuple[str, bool]]:
        found = [self._sort_key()]
        while self._skip(","):
            found.append(self._sort_key())
        return found

    def _sort_key(self) -> tuple[str, bool]:
        name = self._name()
        if self._skip("asc"):
            return name, False
        self._skip("desc")
        return name, True

    def _condition(self, depth: int) -> Condition:
        parts = [self._conjunction(depth)]
        while self._skip("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Joined(False, tuple(parts))

    def _conjunction(self, depth: int) -> Condition:
        parts = [self._single(depth)]
        while self._skip("and"):
            parts.append(self._single(depth))
        return parts[0] if len(parts) == 1 else Joined(True, tuple(parts))

    def _single(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise QuerySyntaxError
        negated = self._skip("not")
        if negated or self._sees("("):
            self._expect("(")
            inner = self._condition(depth + 1)
            self._expect(")")
            return Negation(inner) if negated else inner
        left = self._operand()
        negated = self._skip("!")
        if negated and not self._sees(*_TESTS):
            raise QuerySyntaxError
        if self._sees(*_ORDERINGS):
            return Comparison(left, self._take().text, (self._operand(),))
        if not self._sees(*_TESTS):
            return left
        sign = self._take().text
        if sign == "between":
            low, high = self._range()
            inside = Joined(True, (Comparison(left, ">=", (low,)), Comparison(left, "<=", (high,))))
            return Negation(inside) if negated else inside
        if sign == "in":
            sign = "in~" if self._skip("~") else "in"
            right = self._list()
        else:
            right = (self._operand(),)
        found = Comparison(left, sign, right)
        return Negation(found) if negated else found

    def _range(self) -> tuple[Operand, Operand]:
        self._expect("(")
        low = self._operand()
        self._expect("..")
        high = self._operand()
        self._expect(")")
        return low, high

    def _list(self) -> tuple[Operand, ...]:
        self._expect("(")
        items = [self._operand()]
        while self._skip(","):
            items.append(self._operand())
        self._expect(")")
        return tuple(items)

    def _operand(self, depth: int = 0) -> Operand:
        if self._skip("-"):
            word = self._take()
            if not isinstance(word.value, int | float) or word.kind != "number":
                raise QuerySyntaxError
            return Constant("Number", -word.value)
        word = self._next
        if word.kind == "text":
            return Constant("String", str(self._take().value))
        if word.kind == "number" and isinstance(word.value, int | float):
            self._take()
            return Constant("Number", word.value)
        if self._skip("true", "false"):
            return Constant("Truth", word.text == "true")
        if word.kind == "date":
            return Constant("DateTime", self._date())
        name = self._name()
        if self._sees("(") and name in ("ago", "now"):
            self._take()
            moment = self._moment(name)
            self._expect(")")
            return Constant("DateTime", moment)
        if self._sees("(") and name in _FUNCTIONS:
            if depth > _DEEPEST:
                raise QuerySyntaxError
            self._take()
            arguments = [self._operand(depth + 1)]
            while self._skip(","):
                arguments.append(self._operand(depth + 1))
            self._expect(")")
            return Invocation(name, tuple(arguments))
        return Column(name)

    def _moment(self, function: str) -> int:
        present = timestamps.to_ticks(self._now)
        if self._sees(")") and function == "now":
            return present
        back = -1 if function == "ago" or self._skip("-") else 1
        span = self._take()
        if span.kind != "span" or not isinstance(span.value, float):
            raise QuerySyntaxError
        return present + back * round(span.value * timestamps.TICKS)

    def _date(self) -> int:
        try:
            return timestamps.read(str(self._take().value))
        except ValueError:
            raise QuerySyntaxError from None
