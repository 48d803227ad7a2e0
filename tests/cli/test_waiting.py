from collections.abc import Iterator

import pytest

from cli_world import Ringfence
from ringfence import clock
from ringfence.app import App, only_account
from ringfence.cli.invocation import Invocation, Outside
from ringfence.cli.waiting import INTERVAL, Goal, Missed, StillUnderWay, follow
from ringfence.containment import claims, service
from ringfence.containment.model import State
from ringfence.organizations import service as organizations
from ringfence.settings import Settings
from ringfence.storage import Transaction

PATH = (State.APPROVED, State.SUBMITTING, State.PENDING, State.CONTAINED)


@pytest.fixture
def installation(connected: Ringfence) -> Iterator[App]:
    opened = connected.open(Settings(data=connected.data))
    yield opened
    opened.close()


class _Case:
    """A containment, whose next moves happen one at each pause."""

    def __init__(self, app: App, *moves: State) -> None:
        self.app = app
        self.moves = list(moves)
        self.told: list[str] = []
        self.paused: list[float] = []
        self.id = app.database.run_now(self._request)

    def _request(self, tx: Transaction) -> str:
        account = only_account(tx, organizations.ensure_default(tx).id, None)
        made = service.request(
            tx,
            organization_id=account.organization_id,
            account_id=account.id,
            target="wks-001.contoso.com",
            reason="test",
            requested_by="adele",
            key=clock.new_id(),
        )
        return made.id

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        after = self.moves.pop(0)
        self.app.database.run_now(lambda tx: claims.move(tx, service.get(tx, self.id), after, f"It is {after} now."))

    def follow(self, goal: Goal, longest: float | None = None) -> State:
        called = Invocation(Outside(pause=self.pause), {})
        found = follow(
            called, self.app, self.id, goal, longest=longest, each=lambda event: self.told.append(event.after)
        )
        return found.row.state


def test_it_ends_when_the_goal_is_reached_and_tells_each_event_once(installation: App) -> None:
    case = _Case(installation, *PATH)
    assert case.follow(Goal.CONTAINED) is State.CONTAINED
    assert case.told == ["requested", "approved", "submitting", "pending", "contained"]
    assert case.paused == [INTERVAL] * 4


def test_a_host_that_somebody_else_isolated_needs_no_containment(installation: App) -> None:
    assert _Case(installation, State.NOT_NEEDED).follow(Goal.CONTAINED) is State.NOT_NEEDED


@pytest.mark.parametrize(
    "moves", [(State.DENIED,), (State.APPROVED, State.SUBMITTING, State.FAILED), (*PATH[:3], State.TIMED_OUT)]
)
def test_another_end_is_an_error_with_its_detail(installation: App, moves: tuple[State, ...]) -> None:
    with pytest.raises(Missed) as caught:
        _Case(installation, *moves).follow(Goal.CONTAINED)
    assert f"the containment is {moves[-1]}. It is {moves[-1]} now." in caught.value.message


def test_what_is_being_released_meanwhile_is_not_waited_for(installation: App) -> None:
    case = _Case(installation, *PATH)
    case.follow(Goal.CONTAINED)
    case.moves = [State.RELEASING]
    case.pause(0)
    with pytest.raises(Missed):
        case.follow(Goal.CONTAINED)


def test_a_release_that_failed_is_followed_while_it_is_tried_again(installation: App) -> None:
    case = _Case(installation, *PATH, State.RELEASING, State.RELEASE_FAILED, State.RELEASING, State.RELEASED)
    assert case.follow(Goal.RELEASED) is State.RELEASED
    assert case.moves == []


def test_it_waits_no_longer_than_asked(installation: App) -> None:
    case = _Case(installation, *PATH)
    moment = clock.timestamp()
    clock.replace(lambda: moment + 4 * len(case.paused))
    with pytest.raises(StillUnderWay, match="not contained yet"):
        case.follow(Goal.CONTAINED, longest=8)
    assert len(case.paused) == 2
