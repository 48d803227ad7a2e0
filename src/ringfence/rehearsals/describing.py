"""What a step that acts would have done, in words, with what policy says about it.

Nothing of such an action is called, whatever it says of itself: it is described from its declaration and its inputs.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ringfence import clock
from ringfence.actions import ContainmentState, Json
from ringfence.actions.base import SUCCESS
from ringfence.containment.explaining import Explanation
from ringfence.containment.target import kind_of
from ringfence.containment.verdict import Facts, Outcome
from ringfence.defender import DefenderError
from ringfence.errors import RingfenceError
from ringfence.playbooks.durations import Duration
from ringfence.rehearsals.performing import Ended, Turn, unfit
from ringfence.rehearsals.report import How
from ringfence.responses.judging import judge as judge_response
from ringfence.responses.kinds import TRAITS, Kind

Judge = Callable[[str], Awaitable[Explanation]]
"""Says what policy says about containing a host now, given its id, name or address."""

_LONGEST: Final = 300
_WORDS: Final = {
    Outcome.ALLOWED: "allows it",
    Outcome.ASK: "asks people first",
    Outcome.DENIED: "denies it",
    Outcome.NOT_NEEDED: "finds it not needed",
}
_OF_RESPONSES: Final = {traits.operation: kind for kind, traits in TRAITS.items()}


class Describer:
    """Describes the steps of one rehearsal; `judge` is None where policy cannot be asked."""

    def __init__(self, judge: Judge | None, policy: Callable[[str | None], Awaitable[Any]] | None = None) -> None:
        """`policy` gives the policy that counts for a device group."""
        self._judge = judge
        self._policy = policy
        self._held: set[str] = set()

    async def describe(self, turn: Turn, assumed: str | None = None) -> Ended:
        """Say what a step would have done; it ends with the `assumed` outcome, or with the one that is to be expected."""
        fault = unfit(turn.action, turn.inputs)
        if fault and not turn.unsure:
            return Ended(How.DESCRIBED, error=fault)
        try:
            ended = await self._described(turn)
        except (DefenderError, RingfenceError) as error:
            # A run would ask again; here nobody knows what it would have heard.
            said = (_would(turn), f"Policy could not be asked: {error.message}")
            ended = Ended(How.DESCRIBED, turn.action.outcomes[0], said=said)
        if assumed is None:
            return ended
        return Ended(How.DESCRIBED, assumed, ended.output, said=(*ended.said, "As assumed."), verdict=ended.verdict)

    async def _described(self, turn: Turn) -> Ended:
        inputs = turn.inputs
        match turn.action.id:
            case "containment.contain":
                return await self._contain(turn)
            case "containment.release":
                return self._release(turn)
            case "logic.approval":
                return Ended(How.DESCRIBED, "approved", {"answers": []}, said=(_question(inputs), _IF_YES))
        kind = next((_OF_RESPONSES[each] for each in turn.action.operations if each in _OF_RESPONSES), None)
        if kind is not None and "machine" in inputs:
            return await self._respond(turn, kind)
        return Ended(How.DESCRIBED, turn.action.outcomes[0], said=(_would(turn),))

    async def _contain(self, turn: Turn) -> Ended:
        target = str(turn.inputs.get("machine", ""))
        if self._judge is None or kind_of(target) is None:
            return Ended(How.DESCRIBED, SUCCESS, said=(f"Would isolate {target}.", "Policy was not asked."))
        found = await self._judge(target)
        name = found.machine_name or found.machine_id or target
        kind, hold = turn.inputs.get("type") or "Full", turn.inputs.get("auto_release")
        until = f", and let it go after {hold}" if hold else ""
        said = [f"Would isolate {name}, {kind}{until}."]
        if found.held_by is not None:
            said.append(f"Ringfence holds this host already (containment {found.held_by}); this would hold it too.")
        else:
            said.append(f"Policy {_WORDS[found.outcome]}: {' '.join(found.reasons)}")
        outcome, state = _ENDS[Outcome.ALLOWED if found.held_by is not None else found.outcome]
        if outcome == SUCCESS:
            self._held |= {each.casefold() for each in (target, found.machine_id, found.machine_name) if each}
        if found.outcome is Outcome.ASK and found.held_by is None:
            said.append(_IF_YES)
        reached = ContainmentState("", state, found.machine_id or "", name, found.reasons, contained=outcome == SUCCESS)
        return Ended(How.DESCRIBED, outcome, reached.to_json(), said=tuple(said), verdict=_verdict(found))

    def _release(self, turn: Turn) -> Ended:
        target = str(turn.inputs.get("machine", ""))
        if target.casefold() in self._held or turn.unsure:
            return Ended(How.DESCRIBED, SUCCESS, said=(f"Would let {target} go, and wait for Defender to confirm it.",))
        return Ended(How.DESCRIBED, "not_owned", said=(f"Would let go of nothing: this run holds no host {target}.",))

    async def _respond(self, turn: Turn, kind: Kind) -> Ended:
        target = str(turn.inputs.get("machine", ""))
        if self._judge is None or self._policy is None or kind_of(target) is None:
            return Ended(How.DESCRIBED, turn.action.outcomes[0], said=(_would(turn), "Policy was not asked."))
        host = await self._judge(target)
        if host.machine_id is None:
            return Ended(How.DESCRIBED, "denied", said=(_would(turn), *host.reasons))
        facts = Facts(**{**host.facts, "tags": _tags(host.facts.get("tags"))})
        found = judge_response(await self._policy(host.device_group), kind, facts, by_person=False)
        said = (
            _would(turn),
            f"Policy {_WORDS[found.outcome]}: {' '.join(found.reasons)}",
            "What others used up of the hour's limit is not counted here.",
        )
        refused = {Outcome.DENIED: "denied", Outcome.NOT_NEEDED: "not_needed"}
        outcome = refused.get(found.outcome, turn.action.outcomes[0])
        verdict = {"outcome": found.outcome.value, "reasons": list(found.reasons), "facts": found.facts}
        more = (_IF_YES,) if found.outcome is Outcome.ASK else ()
        return Ended(How.DESCRIBED, outcome, said=(*said, *more), verdict=verdict)


_IF_YES: Final = "From here on it is assumed that people say yes."
_ENDS: Final = {
    Outcome.ALLOWED: (SUCCESS, "contained"),
    Outcome.ASK: (SUCCESS, "contained"),
    Outcome.DENIED: ("denied", "denied"),
    Outcome.NOT_NEEDED: ("not_needed", "not_needed"),
}


def _verdict(found: Explanation) -> dict[str, Any]:
    return {
        "outcome": found.outcome.value,
        "reasons": list(found.reasons),
        "machine_id": found.machine_id,
        "machine_name": found.machine_name,
        "policy_version": found.policy_version,
        "held_by": found.held_by,
        "at": clock.iso(clock.now()),
    }


def _tags(value: object) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list | tuple) else None


def _question(inputs: Mapping[str, Json]) -> str:
    of = inputs.get("of")
    whom = ", ".join(map(str, of)) if isinstance(of, list) else str(of or "everybody who may answer")
    timeout = inputs.get("timeout") or Duration.parse("1 h")
    return f"Would ask {whom}, for {timeout}: {inputs.get('question', '')}"[:_LONGEST]


def _would(turn: Turn) -> str:
    return f"Would: {turn.action.summary}"
