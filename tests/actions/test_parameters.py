from typing import Annotated

import pytest
from pydantic import Field

from ringfence.actions import Context, Poll, RunExpression
from ringfence.actions.parameters import derived
from ringfence.playbooks.model import ParameterKind


async def read(
    poll: Poll,
    from_: Annotated[str, Field(alias="from", description="Where from.")],
    where: Annotated[RunExpression, Field(description="Which.")] = "a",
) -> None: ...


def test_parameters_are_known_by_the_names_that_people_use() -> None:
    parameters, model = derived("contoso.read", read, Poll)
    assert [(each.name, each.required, each.kind) for each in parameters.values()] == [
        ("from", True, ParameterKind.VALUE),
        ("where", False, ParameterKind.RUN_EXPRESSION),
    ]
    assert model.model_json_schema(by_alias=True)["required"] == ["from"]
    assert parameters["where"].fault("a[") is not None
    assert "valid string" in str(parameters["from"].fault(1))


def test_a_function_that_does_not_take_what_is_handed_in_is_refused() -> None:
    with pytest.raises(ValueError, match="`context: Context` first"):
        derived("contoso.read", read, Context)


def test_a_parameter_needs_words_for_people() -> None:
    async def bare(poll: Poll, queue: str) -> None: ...

    with pytest.raises(ValueError, match="queue needs a Field"):
        derived("contoso.bare", bare, Poll)
