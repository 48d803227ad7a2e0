"""JMESPath's own interpreter, with a bound on the work that one evaluation may do.

A short expression can ask for astronomical work: `[@,@]|[@,@]|…` doubles a value with each step. So each visited node and
each copied element is paid for, and values are copied within bounds before they are compared or written out.
"""

from typing import TYPE_CHECKING, Any, Final

from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

from ringfence.playbooks.bounded import TooMuch, copied
from ringfence.playbooks.model import Json

if TYPE_CHECKING:
    from jmespath.visitor import _TreeNode as Tree

MAX_WORK: Final = 500_000


def run(tree: "Tree", data: object) -> Json:
    """Evaluate a tree over JSON data; TooMuch or NotJson beside whatever JMESPath and Python raise on a mismatch."""
    return copied(_Interpreter(_Budget()).visit(tree, data))


class _Budget:
    """The work that one evaluation may do, in visited nodes and copied elements."""

    def __init__(self) -> None:
        self.left = MAX_WORK

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise TooMuch


class _Interpreter(TreeInterpreter):
    """JMESPath's own interpreter, paying for what it does."""

    def __init__(self, budget: _Budget) -> None:
        super().__init__(Options(custom_functions=_BoundedFunctions(budget)))
        self._budget = budget

    def visit(self, node: "Tree", *args: Any, **kwargs: Any) -> Any:
        self._budget.spend(1)
        result = super().visit(node, *args, **kwargs)
        if node["type"] in ("flatten", "slice", "function_expression") and isinstance(result, str | list | dict):
            self._budget.spend(len(result))
        return result

    def visit_comparator(self, node: "Tree", value: Any) -> Any:
        left, right = (self.visit(child, value) for child in node["children"])
        # Two small expressions can build values that would be compared for ever; a copy of bounded size cannot.
        pair = [copied(left), copied(right)]
        operands: list[Tree] = [{"type": "index", "value": at, "children": []} for at in (0, 1)]
        return super().visit_comparator({"type": "comparator", "value": node["value"], "children": operands}, pair)


class _BoundedFunctions(Functions):
    def __init__(self, budget: _Budget) -> None:
        self._budget = budget

    def call_function(self, function_name: str, resolved_args: Any) -> Any:
        if function_name in ("to_string", "contains"):
            # A small expression can build a value that is astronomically large once written out or compared.
            resolved_args = [copied(argument) for argument in resolved_args]
        else:
            for argument in resolved_args:
                if isinstance(argument, str | list | dict):
                    self._budget.spend(len(argument))
        if function_name == "join" and isinstance(resolved_args[1], list):
            self._budget.spend(sum(len(part) for part in resolved_args[1] if isinstance(part, str)))
            self._budget.spend(len(resolved_args[1]) * len(str(resolved_args[0])))
        return super().call_function(function_name, resolved_args)
