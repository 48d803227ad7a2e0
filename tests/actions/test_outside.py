import pytest

from acting import Scene
from ringfence.actions import AlertPort, CallerPort, HttpAnswer, HttpPort, MailPort, QueuedAlert, TablePort


def test_a_scene_of_the_tests_has_every_door_to_the_outside() -> None:
    scene = Scene()
    doors: tuple[TablePort, HttpPort, MailPort, CallerPort, AlertPort]
    doors = (scene.tables, scene.http, scene.mails, scene.caller, scene.alerts)
    assert len(set(map(id, doors))) == 5


def test_what_a_door_gives_cannot_be_changed() -> None:
    answer = HttpAnswer(200, {}, b"", "https://api.contoso.com/")
    alert = QueuedAlert("", "da1", "contoso", True, True, {})
    for given, name in ((answer, "status"), (alert, "mine")):
        with pytest.raises(AttributeError):
            setattr(given, name, 0)
