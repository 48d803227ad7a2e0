"""A worker that plays nothing, but says what came of it."""

from rehearsing import CATALOGUE
from ringfence.playbooks.playing import Played, Playing
from ringfence.playbooks.proof import Proof, Subject
from ringfence.rehearsals.prover import Prover
from ringfence.rehearsals.trying import Trials
from ringfence.storage import Database


class Plays(Prover):
    """Answers each play with the same."""

    def __init__(self, played: Played) -> None:
        super().__init__()
        self.played = played
        self.asked: list[Playing] = []

    async def play(self, playing: Playing) -> Played:
        """Keep what is asked, and answer."""
        self.asked.append(playing)
        return self.played

    async def prove(self, subject: Subject) -> Proof:
        """Prove that nothing is cut off."""
        return Proof()


async def work(database: Database, played: Played) -> Plays:
    """Carry out all trials that wait."""
    plays = Plays(played)
    worker = Trials(database, CATALOGUE, plays, owner="test")
    while await worker.work():
        pass
    return plays
