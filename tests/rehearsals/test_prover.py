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


async def test_after_a_play_another_process_stands_ready_for_the_next_and_ends_when_nobody_comes() -> None:
    said = "import json, os, sys; given = sys.stdin.read(); "
    said += (
        "given and json.dump({'status': str(os.getpid()), 'error': json.loads(given)['document']['type']}, sys.stdout)"
    )
    prover = Prover(script(said), ready_for=600)
    playing = Playing(subject=SUBJECT, document={"type": "manual"})
    await prover.play(playing)
    ready = prover._ready
    assert ready is not None
    assert (await prover.play(playing)).status == str(ready.pid)
    last = prover._ready
    assert last is not None
    await prover.close()
    assert last.returncode is not None
    idle = Prover(script(said), ready_for=1e-9)
    await idle.play(playing)
    left = idle._ready
    assert left is not None
    assert await left.wait() == 0
    assert (await idle.play(playing)).error == "manual"
    await idle.close()


async def test_where_a_play_is_expected_one_process_stands_ready_however_often_that_is_said() -> None:
    said = (
        "import json, os, sys; given = sys.stdin.read(); given and json.dump({'status': str(os.getpid())}, sys.stdout)"
    )
    prover = Prover(script(said), ready_for=600)
    await prover.expect()
    ready = prover._ready
    assert ready is not None
    await prover.expect()
    assert prover._ready is ready
    assert (await prover.play(Playing(subject=SUBJECT))).status == str(ready.pid)
    await prover.close()
    never = Prover(script(said))
    await never.expect()
    assert never._ready is None
