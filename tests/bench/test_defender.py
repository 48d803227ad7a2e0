from bench import defender
from bench.stage import Ground


def test_the_client_is_measured_against_bare_requests_and_lists_are_measured_for_memory(
    embedded_ground: Ground,
) -> None:
    found = defender.run(embedded_ground, calls=5, alerts=7, repeats=1)
    assert [row["case"] for row in found.rows] == [
        "httpx alone",
        "the client",
        "httpx alone, over a socket",
        "7 alerts",
    ]
    assert all(set(row) == {column.key for column in found.columns} for row in found.rows)
    bare, client, socket, alerts = found.rows
    assert bare["times"] == 1
    assert isinstance(client["times"], float)
    assert all(isinstance(row["rate"], float) for row in found.rows)
    assert isinstance(socket["simulator_cpu_us"], float)
    assert isinstance(alerts["last_mib"], float)
    assert [aim.unit for aim in found.aims] == ["times"]
