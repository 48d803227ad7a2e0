import json
import sys

import pytest

from ringfence.errors import Unavailable
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.playing import Playing
from ringfence.playbooks.proof import Proof, Subject
from ringfence.rehearsals.prover import Prover

SUBJECT = Subject(source=example("a: {action: logic.set, with: {values: {}}}"))


def script(text: str) -> tuple[str, ...]:
    return sys.executable, "-S", "-c", text


async def test_a_process_of_its_own_proves_what_it_is_given() -> None:
    assert await Prover().prove(SUBJECT) == Proof()


async def test_it_is_given_the_version_and_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_DATABASE_URL", "postgresql://contoso:secret@db/ringfence")
    said = "import json, os, sys; given = json.load(sys.stdin); found = [n for n in os.environ if n.startswith('RINGFENCE')]; "
    said += "json.dump({'error': json.dumps([given['source'], found])}, sys.stdout)"
    proof = await Prover(script(said)).prove(SUBJECT)
    assert json.loads(proof.error) == [SUBJECT.source, []]


async def test_a_process_that_plays_is_told_so_and_says_what_came_of_it() -> None:
    said = "import json, sys; given = json.load(sys.stdin); "
    said += "json.dump({'status': sys.argv[-1], 'error': given['document']['type']}, sys.stdout)"
    played = await Prover(script(said)).play(Playing(subject=SUBJECT, document={"type": "manual"}))
    assert (played.status, played.error) == ("play", "manual")


async def test_a_process_that_fails_or_takes_too_long_is_an_error_and_is_ended() -> None:
    with pytest.raises(Unavailable, match="status 3 and no result"):
        await Prover(script("raise SystemExit(3)")).prove(SUBJECT)
    with pytest.raises(Unavailable, match="not done after"):
        await Prover(script("import time; time.sleep(600)"), patience=0.05).prove(SUBJECT)
