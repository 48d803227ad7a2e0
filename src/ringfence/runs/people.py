"""How a step of a run asks people: once for its key, whatever crashes, bound to what the run saw."""

from collections.abc import Sequence

from ringfence.actions import ActionError, Asked, Json
from ringfence.approvals import service
from ringfence.approvals.model import Approval, Question, Subject
from ringfence.errors import RingfenceError
from ringfence.notifications import channels as channels_
from ringfence.notifications import outbox
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.organizations import members, teams
from ringfence.runs.door import failure
from ringfence.runs.model import Run
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


class People:
    """The door of one run to people; see `ringfence.actions.PeoplePort`."""

    def __init__(self, run: Run, database: Database) -> None:
        self._run = run
        self._database = database

    async def ask(
        self,
        *,
        of: Sequence[str],
        question: str,
        timeout: float,
        escalate: bool,
        escalate_to: Sequence[str],
        count: int,
        key: str,
    ) -> Asked:
        """Ask people or teams, once for a key."""
        run = self._run

        def work(tx: Transaction) -> Approval:
            # Looked for also where it is over: after a crash the step asks again, and has its answer already.
            earlier = service.latest_for(tx, Subject.STEP, key)
            if earlier is not None:
                return service.settle(tx, earlier)
            organization = run.organization_id
            further: tuple[str, ...] = ()
            if escalate:
                further = teams.people(tx, organization, escalate_to) or members.who_may(
                    tx, organization, Permission.APPROVAL_ANSWER
                )
            asked = Question(
                subject=Subject.STEP,
                subject_id=key,
                text=question,
                reasons=(f"The playbook {run.playbook_name} {run.version} asks before it goes on.",),
                bound_to={"run": run.id, "playbook": f"{run.playbook_name} {run.version}", "step": key.split(":")[1]},
                asked_by=f"playbook {run.playbook_name} {run.version}",
                patience=timeout,
                approvers=teams.people(tx, organization, of),
                needed=count,
                escalate_to=further,
            )
            return service.ask(tx, organization, asked)

        try:
            return _asked(await self._database.run(work))
        except RingfenceError as error:
            raise failure(error) from None

    async def answered(self, approval_id: str) -> Asked:
        """Tell where a question stands, after time has had its say."""
        organization = self._run.organization_id

        def work(tx: Transaction) -> Approval:
            return service.settle(tx, service.get(tx, approval_id, organization_id=organization))

        try:
            return _asked(await self._database.run(work))
        except RingfenceError as error:
            raise failure(error) from None

    async def tell(self, *, channels: Sequence[str], title: str, text: str, key: str) -> int:
        """Put a message on its way to channels, once for a key."""
        run = self._run

        def work(tx: Transaction) -> int:
            named = [channels_.by_name(tx, run.organization_id, name) for name in dict.fromkeys(channels)]
            for channel in named:
                mark = f"{key}:{channel.id}"
                news = News(Event.MESSAGE, mark, "run", run.id, title, text, f"/executions/{run.id}")
                outbox.tell(tx, run.organization_id, news, only=channel)
            return len(named)

        try:
            return await self._database.run(work)
        except RingfenceError as error:
            raise failure(error) from None


class Nobody:
    """The door to people of an action by hand: there is nobody else to ask."""

    async def ask(
        self,
        *,
        of: Sequence[str],
        question: str,
        timeout: float,
        escalate: bool,
        escalate_to: Sequence[str],
        count: int,
        key: str,
    ) -> Asked:
        """Refuse: who does an action by hand decides alone."""
        raise _by_hand()

    async def answered(self, approval_id: str) -> Asked:
        """Refuse."""
        raise _by_hand()

    async def tell(self, *, channels: Sequence[str], title: str, text: str, key: str) -> int:
        """Refuse."""
        raise _by_hand()


def _by_hand() -> ActionError:
    return ActionError(
        "People can be asked and told in a run only.",
        code="no-run",
        permanent=True,
        advice="Use the step in a playbook.",
    )


def _asked(found: Approval) -> Asked:
    answers: list[Json] = [
        {"by": each.by, "approved": each.yes, "comment": each.comment, "via": each.via} for each in found.answers
    ]
    return Asked(
        id=found.id, state=found.state.value, detail=found.detail, expires_at=found.expires_at, answers=tuple(answers)
    )
