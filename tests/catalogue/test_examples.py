"""Carry out the example of every action against the pretend Microsoft, with exactly the roles that the action names.

What the action calls is what it declares, and its permissions are the fact book's: with one of them less it is refused.
"""

import pytest

from example_world import a_player
from ringfence.actions import Action, ActionError, Effect, shapes
from ringfence.actions.catalogue import discover
from ringfence.defender import OPERATIONS
from ringfence.storage import Database

CATALOGUE = discover()
REACHING = tuple(action for action in CATALOGUE.actions() if action.operations)
every_reaching_action = pytest.mark.parametrize("action", REACHING, ids=[action.id for action in REACHING])

NOT_OFFERED = {
    "find_machine_info_by_ip_legacy": "The older way of find_machines_by_ip; it answers an error where nothing is found.",
    "isolate_machine": "Only through containment.contain, behind policy.",
    "unisolate_machine": "Only through containment.release, which releases only what is ours.",
}
"""Operations that no action calls by its own name, each with the reason."""

SELDOM_CALLED = {
    "get_alert": "Only where a comment is written.",
    "list_alerts": "Only where a comment is written.",
}
"""Operations that the example of an action which declares them may do without."""

ROLE_OF_OUR_CHOICE = {
    "defender.cancel_machine_action": "Any role for actions is enough; for the one that is listed first Microsoft is known to "
    "have looked under a misspelled name.",
}
"""Actions that name another role than the first of those that the fact book lists."""

DOUBTFUL_ROLES = {
    "Machine.StopAndQuarantine": "Microsoft's page also lists roles that only read as enough, which is doubtful.",
    "Machine.CollectForensics": "The package is fetched later by whoever may read machines.",
}


def test_every_operation_is_offered_or_there_is_a_reason_why_not() -> None:
    offered = {operation for action in CATALOGUE.actions() for operation in action.operations}
    assert offered <= set(OPERATIONS)
    assert sorted(set(OPERATIONS) - offered) == sorted(NOT_OFFERED)


@every_reaching_action
def test_permissions_are_the_least_that_the_fact_book_lists_for_the_operations(action: Action) -> None:
    listed = [OPERATIONS[operation].permissions for operation in action.operations]
    for enough in listed:
        assert set(action.permissions) & set(enough), enough
    least = {enough[0] for enough in listed}
    assert set(action.permissions) <= least or action.id in ROLE_OF_OUR_CHOICE


@every_reaching_action
def test_an_action_changes_something_exactly_if_one_of_its_operations_does(action: Action) -> None:
    changes = any(OPERATIONS[operation].changes for operation in action.operations)
    assert changes is (action.effect in (Effect.WRITE, Effect.CONTAIN))


@every_reaching_action
async def test_the_example_works_with_these_permissions_and_with_none_less(action: Action, embedded: Database) -> None:
    async with a_player(embedded) as player:
        for permission in action.permissions:
            if permission in DOUBTFUL_ROLES:
                continue
            others = tuple(each for each in action.permissions if each != permission)
            with pytest.raises(ActionError) as raised:
                await player.play(action, CATALOGUE, others)
            assert (raised.value.permanent, raised.value.code) == (True, "Forbidden")
        answer = await player.play(action, CATALOGUE, action.permissions)
        assert answer.outcome in action.outcomes
        assert shapes.names(shapes.shape_of(answer.output)) == shapes.names(action.gives), "tools/action-outputs"
        called = set(player.roles.called)
        assert called <= set(action.operations)
        assert set(action.operations) - called <= set(SELDOM_CALLED)
