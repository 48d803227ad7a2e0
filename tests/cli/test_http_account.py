from cli_world import Ringfence
from outbound_world import local_service

SECRET = {"RINGFENCE_HTTP_SECRET": "s3cret-key"}


def test_an_account_is_added_listed_renewed_and_removed_and_its_secret_never_shown(ringfence: Ringfence) -> None:
    assert "no HTTP account yet" in ringfence("http-account", "list").stderr
    add = ("http-account", "add", "rep", "https://api.contoso.com/v1", "--kind", "header", "--parameter", "X-Key")
    assert "No secret was given" in ringfence(*add, status=1).stderr
    made = ringfence.json(*add, env=SECRET)["http_account"]
    assert made["shown"] == {"header": "X-Key"}
    assert "https://api.contoso.com/v1/" in ringfence("http-account", "list").stdout
    ringfence.secret = "n3w"
    assert "has a new secret" in ringfence("http-account", "renew", "rep").stdout
    shown = ringfence("http-account", "list", "--json").stdout
    assert "s3cret" not in shown
    assert "sealed" not in shown
    assert "is removed" in ringfence("http-account", "remove", "rep").stdout


def test_a_host_is_allowed_called_by_hand_and_withdrawn(ringfence: Ringfence) -> None:
    assert "may call no host" in ringfence("egress", "list").stderr
    with local_service() as port:
        call = ("action", "run", "http.request", "--with", f"url=http://127.0.0.1:{port}/x", "--yes")
        assert ringfence.error(*call)["code"] == "destination_not_allowed"
        ringfence("egress", "allow", "127.0.0.1", "--note", "mine", env={"RINGFENCE_EGRESS_PRIVATE": "127.0.0.1"})
        assert ringfence.error(*call)["code"] == "egress_refused"
        done = ringfence.json(*call, env={"RINGFENCE_EGRESS_PRIVATE": "127.0.0.1"})
        assert (done["outcome"], done["output"]["body"]) == ("success", "ok")
        closed = {"RINGFENCE_EGRESS_HOSTS": "*.contoso.com", "RINGFENCE_EGRESS_PRIVATE": "127.0.0.1"}
        assert "This installation" in ringfence.error(*call, env=closed)["message"]
    assert ringfence.json("egress", "list")["items"][0]["note"] == "mine"
    assert "any more" in ringfence("egress", "withdraw", "127.0.0.1").stdout
