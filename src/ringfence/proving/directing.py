"""The actions of a proof: what works on the simulator and on the disposable database is done, the rest is taken as done.

Nothing leaves: what calls a service outside, sends a mail or waits for a form ends as its `mock` says, or else with the
outcome that its action names first. What cuts hosts off and lets them go is never stood in for.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ringfence.actions import Action, ActionError, Context, Effect, Result, Wait
from ringfence.actions.catalogue import Catalogue
from ringfence.proving.scenes import Scene

DONE: Final = frozenset(
    {"containment", "defender", "graph_security", "jmespath", "json", "logic", "playbook", "text", "time", "xdr"}
)
"""Connectors whose actions are carried out."""

TRIED: Final = frozenset({"alert", "incident", "table"})
"""Connectors whose actions are carried out, and taken as done where what they name is not in the disposable database."""

_ASKS: Final = "logic.approval"


def step_of(key: str) -> str:
    """Return the name of the step in a key `run:step:iteration`."""
    return key.split(":", 1)[-1].rpartition(":")[0]


class Directed(Catalogue):
    """The installed actions, as a scene has them; `note` is told what was not as in a real run."""

    def __init__(self, catalogue: Catalogue, scene: Scene, note: Callable[[str], None]) -> None:
        super().__init__(("installed", connector) for connector in catalogue.connectors.values())
        self._scene = scene
        self._note = note
        self._directed: dict[str, Action] = {}

    def find(self, action_id: str) -> Action | None:
        """Give the action with this id as the scene has it, or None."""
        action = super().find(action_id)
        if action is None or action.effect is Effect.CONTAIN:
            return action
        if action_id not in self._directed:
            self._directed[action_id] = replace(action, function=self._function(action))
        return self._directed[action_id]

    def _function(self, action: Action) -> Callable[..., Any]:
        scene = self._scene

        async def play(context: Context, **arguments: Any) -> Any:
            step = step_of(context.step_key)
            mock = scene.mocks.get(step)
            if mock is not None and action.id != _ASKS:
                self._note(f"{step} ended as its mock says.")
                if mock.fails(context.attempt):
                    raise ActionError(mock.error or "", code=mock.code or "mock", permanent=mock.is_permanent)
                return Result(mock.outcome or action.outcomes[0], mock.output)
            if action.connector.id not in DONE | TRIED:
                self._note(f"{step} ({action.id}) was not carried out: it reaches outside.")
                return Result(scene.forced.get(step, action.outcomes[0]), {})
            if action.id == _ASKS:
                # Whoever is asked, the proof answers; its database knows nobody.
                arguments |= {name: None for name in ("of", "escalate_to") if name in arguments}
            try:
                answer = await action.function(context, **arguments)
            except ActionError as failed:
                if action.connector.id not in TRIED:
                    raise
                self._note(f"{step} ({action.id}) was taken as done: {failed.message}")
                return Result(scene.forced.get(step, action.outcomes[0]), {})
            return self._held(step, action, answer)

        return play

    def _held(self, step: str, action: Action, answer: Any) -> Any:
        """Let a decision on the way that is held open go that way, whatever it found."""
        wanted = self._scene.forced.get(step)
        if wanted is None or isinstance(answer, Wait) or action.id == _ASKS:
            return answer
        result = answer if isinstance(answer, Result) else Result(output=answer)
        if result.outcome == wanted:
            return answer
        self._note(f"{step} was made to end in {wanted}; with what the proof played it ended in {result.outcome}.")
        return Result(wanted, result.output)
