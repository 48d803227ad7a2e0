import os
import sqlite3
from pathlib import Path

from bench.stage import Ground, Place, SimulatorProcess, cpu_of, install
from ringfence.app import App
from ringfence.containment import policies


def test_an_installation_is_set_up_as_asked(embedded_ground: Ground) -> None:
    place = embedded_ground.place("SQLite")
    with SimulatorProcess(machines=2) as simulator:
        install(place, simulator=simulator, max_per_hour=7)
        assert simulator.cpu > 0
    app = App.open(place.settings())
    assert (
        app.database.read_now(lambda tx: policies.standing(tx, app.organization().id)).effective.policy.max_per_hour
        == 7
    )
    app.close()
    with sqlite3.connect(Path(place.folder) / "ringfence.sqlite3") as connection:
        assert connection.execute("select name, state from accounts").fetchall() == [("contoso", "healthy")]
    connection.close()


def test_places_do_not_share_anything(embedded_ground: Ground) -> None:
    assert embedded_ground.kinds == ("SQLite",)
    assert embedded_ground.place("SQLite").folder != embedded_ground.place("SQLite").folder


def test_settings_may_be_changed_for_a_place() -> None:
    assert Place("SQLite", "somewhere").settings(poll_interval=7.0).poll_interval == 7.0
    assert Place("SQLite", "somewhere").server_cpu == 0.0


def test_the_cpu_of_a_process_is_told() -> None:
    assert cpu_of(os.getpid()) > 0
