"""What an action is said to give is what its example gives; those that call Microsoft are held to it where they are played."""

import pytest

from action_outputs import a_player_with_an_incident, is_authored, is_stood_in, known, output_shape, stood_in
from ringfence.actions.catalogue import discover
from ringfence.actions.shapes import recorded
from ringfence.simulator.specs import DEFAULT_ROLES
from ringfence.storage import Database

CATALOGUE = discover()
STOOD_IN = [each for each in CATALOGUE.actions() if is_stood_in(each)]
OF_INCIDENTS = [each for each in CATALOGUE.actions() if each.connector.id == "incident"]


def test_every_action_says_what_it_gives_or_its_author_decides() -> None:
    said = {each.id for each in CATALOGUE.actions() if each.gives is not None}
    assert said == {each.id for each in CATALOGUE.actions() if not is_authored(each)}
    assert set(recorded()) <= set(CATALOGUE.ids()), "tools/action-outputs writes them anew"


@pytest.mark.parametrize("action_id", [each.id for each in STOOD_IN])
async def test_what_reaches_people_tables_and_services_gives_what_is_said(action_id: str) -> None:
    action = CATALOGUE.find(action_id)
    assert action is not None
    answer = await stood_in(action, CATALOGUE)
    assert output_shape(action, answer.output) == action.gives, "tools/action-outputs writes them anew"


async def test_what_is_done_to_incidents_gives_what_is_said(embedded: Database) -> None:
    async with a_player_with_an_incident(embedded, CATALOGUE) as player:
        for action in OF_INCIDENTS:
            answer = await player.play(action, CATALOGUE, DEFAULT_ROLES, known(action))
            shape = output_shape(action, answer.output)
            assert isinstance(shape, dict)
            assert isinstance(action.gives, dict)
            assert list(shape) == list(action.gives), action.id
