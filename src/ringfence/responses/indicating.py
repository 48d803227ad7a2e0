"""Make indicators and delete them again: never change or delete one that this response did not make.

What we made is known by the key at the end of its description. Making one again with the same key changes nothing, so a lost
reply costs a look and no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ringfence import clock
from ringfence.containment.history import marker
from ringfence.containment.reach import CREDENTIAL_REFUSED, Rest, sentence, surely_lost
from ringfence.containment.rounds import next_round
from ringfence.defender.documents.threats import Indicator
from ringfence.defender.errors import DefenderError, NotFound, ReplyLost, WrongAddress
from ringfence.defender.odata import one_of
from ringfence.responses import asked
from ringfence.responses.acting import announce, given_up, not_sent, reconsidered
from ringfence.responses.lifting import WATCH, undo_failed
from ringfence.responses.model import Response, State
from ringfence.responses.reach import Next, Reach

# So many values fit into one question; of more, all indicators are listed.
_ASKED_BY_VALUE = 10


async def submit(reach: Reach, response: Response) -> Next:
    """Make the indicators of an approved response, unless somebody else's are there already."""
    wanted: list[dict[str, Any]] = response.parameters["indicators"]
    there = await _there(reach, wanted)
    ours = _ours(there, response)
    if response.submitted_at is not None and len(ours) == len(wanted):
        return await _made(reach, response, ours, [])
    if response.submitted_at is not None and (over := await given_up(reach, response, response.submitted_at)):
        return over
    others = [each for each in there if marker(response.key) not in (each.description or "")]
    if others:
        names = ", ".join(f"{each.indicator_value} ({each.action}, by {_maker(each)})" for each in others[:5])
        same = len(others) == len(wanted) and {_exactly(each) for each in others} == {_asked(each) for each in wanted}
        if same:
            detail = f"Already there: {names}. They are not ours to take back."
            return await reach.move(response, State.NOT_NEEDED, detail, made=[each.raw for each in others])
        detail = f"Not ours to change: {names}. Nothing was done; take them out of the request, or see to those first."
        return await reach.move(response, State.DENIED, detail)
    if (denied := await reconsidered(reach, response)) is not None:
        return denied
    announced = await reach.database.run(lambda tx: announce(tx, response))
    if announced.state is not State.SUBMITTING:
        return announced
    try:
        failed = await reach.send(announced.submitted_at, lambda: _request(reach, announced))
    except (ReplyLost, TimeoutError):
        return reach.again(response, "Defender's reply was lost; looking whether the indicators are there.")
    except DefenderError as error:
        if error.permanent and not isinstance(error, CREDENTIAL_REFUSED):
            detail = f"Defender refused it. {sentence(error)}"
            return await reach.move(announced, State.FAILED, detail, facts={"error": error.code})
        await not_sent(reach, announced, "Defender did not accept it.")
        raise
    made = _ours(await _there(reach, wanted), announced)
    if not made:
        if failed:
            return await reach.move(announced, State.FAILED, f"Defender refused it. {' '.join(failed[:10])}")
        return reach.again(announced, "Defender accepted the indicators and does not list them yet.")
    return await _made(reach, announced, made, failed)


async def find_submitted(reach: Reach, response: Response) -> Next:
    """Look whether Defender lists what was sent and got no reply."""
    if made := _ours(await _there(reach, response.parameters["indicators"]), response):
        return await _made(reach, response, made, [])
    if not surely_lost(response.submitted_at):
        return reach.again(response, "Looking whether Defender lists the indicators.")
    return await reach.move(response, State.APPROVED, "Defender lists none of them, so they were never accepted.")


async def watch(reach: Reach, response: Response) -> Next:
    """Look whether the indicators are still there: their time may be over, or somebody may have deleted them."""
    ends = response.ends_at
    made: Sequence[Mapping[str, Any]] = response.made or ()
    left = _ours(await _there(reach, made_values(made)), response)
    if not left:
        if ends is not None and clock.now() >= ends:
            detail = "Their time is over: Defender lists them no more."
            return await reach.move(response, State.UNDONE, detail, undone_at=clock.now())
        return await reach.move(response, State.SUPERSEDED, "Somebody else deleted them: Defender lists them no more.")
    until = next_round(response.account_id, WATCH.total_seconds())
    if ends is not None and ends > clock.now():
        until = min(until, ends)
    gone = len(made) - len(left)
    return Rest(until, f"Defender lists them{f', but for {gone} that are gone' if gone else ''}.")


async def delete(reach: Reach, response: Response) -> Next:
    """Delete what this response made and Defender still lists, and nothing else."""
    made: Sequence[Mapping[str, Any]] = response.made or ()
    left = _ours(await _there(reach, made_values(made)), response)
    if not left:
        return await reach.move(response, State.UNDONE, "Defender lists them no more.", undone_at=clock.now())
    announced = await reach.note(response, undo_submitted_at=clock.now())
    ids = [each.id for each in left]
    try:
        if len(ids) == 1:
            await reach.send(announced.undo_submitted_at, lambda: reach.client.delete_indicator(ids[0]))
        else:
            await reach.send(announced.undo_submitted_at, lambda: reach.client.batch_delete_indicators(ids))
    except (ReplyLost, TimeoutError):
        return reach.again(response, "Defender's reply was lost; looking whether the indicators are gone.")
    except NotFound as error:
        if isinstance(error, WrongAddress):
            raise
        # One of them went meanwhile: what is left is looked for and deleted at the next look.
        return reach.again(response, "Some indicators went meanwhile; looking for those that are left.")
    except DefenderError as error:
        if error.permanent and not isinstance(error, CREDENTIAL_REFUSED):
            return await undo_failed(
                reach, announced, f"Defender refused to delete them. {sentence(error)}", facts={"error": error.code}
            )
        raise
    if _ours(await _there(reach, made_values(made)), response):
        return reach.again(response, "Defender accepted the deletion and still lists them.")
    detail = "Defender confirmed that they are deleted."
    return await reach.move(announced, State.UNDONE, detail, undone_at=clock.now())


async def _request(reach: Reach, response: Response) -> list[str]:
    """Make the indicators; returns what Defender refused of them, each with its reason."""
    new = [asked.shaped(each, mark=marker(response.key)) for each in response.parameters["indicators"]]
    if len(new) == 1:
        await reach.client.submit_indicator(new[0])
        return []
    results = await reach.client.import_indicators(new)
    return [f"{each.indicator}: {each.failure_reason or 'refused'}" for each in results if each.is_failed]


def made_values(made: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return documents of indicators in the form in which they are asked for."""
    return [
        {"indicator_type": str(each.get("indicatorType", "")), "indicator_value": str(each.get("indicatorValue", ""))}
        for each in made
    ]


async def _there(reach: Reach, wanted: Sequence[Mapping[str, Any]]) -> list[Indicator]:
    """Return the indicators that Defender lists for the values, whosever they are."""
    keys = {asked.value_key(each["indicator_type"], each["indicator_value"]) for each in wanted}
    values = [str(each["indicator_value"]) for each in wanted]
    spellings = dict.fromkeys(each for value in values for each in (value, value.lower(), value.upper()))
    options = one_of("indicatorValue", spellings) if len(values) <= _ASKED_BY_VALUE else ""
    listed = reach.client.list_indicators(filter=options)
    return [each async for each in listed if asked.value_key(each.indicator_type, each.indicator_value) in keys]


def _ours(there: Iterable[Indicator], response: Response) -> list[Indicator]:
    return [each for each in there if marker(response.key) in (each.description or "")]


def _maker(indicator: Indicator) -> str:
    return indicator.created_by_display_name or indicator.created_by or "somebody unknown"


def _exactly(indicator: Indicator) -> tuple[tuple[str, str], str]:
    return (asked.value_key(indicator.indicator_type, indicator.indicator_value), indicator.action or "")


def _asked(indicator: Mapping[str, Any]) -> tuple[tuple[str, str], str]:
    return (asked.value_key(indicator["indicator_type"], indicator["indicator_value"]), indicator["action"])


async def _made(reach: Reach, response: Response, made: list[Indicator], failed: list[str]) -> Response:
    ends = [each.expiration_time for each in made]
    last = max(end for end in ends if end) if all(ends) else None
    refused = f" It refused {len(failed)}: {' '.join(failed[:10])}" if failed else ""
    return await reach.move(
        response,
        State.DONE,
        f"Defender lists {len(made)} of {response.weight} as asked for.{refused}",
        facts={"indicators": [each.raw for each in made], "failed": failed},
        made=[each.raw for each in made],
        accepted_at=response.accepted_at or clock.now(),
        done_at=clock.now(),
        ends_at=last,
    )
