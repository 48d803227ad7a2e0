from ringfence.simulator.journal import REDACTED, Entry, Journal, as_document, redact

FORM = "application/x-www-form-urlencoded"


def _open(journal: Journal, body: bytes = b"") -> Entry:
    return journal.open("2026-03-01T12:00:00Z", "GET", "/api/alerts", "", body, "application/json")


def test_secrets_assertions_and_tokens_are_taken_out() -> None:
    form = b"client_id=a&client_secret=s3cret&client_assertion=jwt&client_assertion_type=bearer"
    assert redact(form, FORM) == {
        "client_id": "a",
        "client_secret": REDACTED,
        "client_assertion": REDACTED,
        "client_assertion_type": "bearer",
    }
    body = b'{"Comment":"x","nested":[{"access_token":"t","Password":"p"}]}'
    assert redact(body, "application/json") == {
        "Comment": "x",
        "nested": [{"access_token": REDACTED, "Password": REDACTED}],
    }


def test_bodies_that_are_no_json_are_only_counted() -> None:
    assert redact(b"\xff\xfe", "application/json") == "[2 bytes that are not JSON]"
    assert redact(b"", FORM) is None


def test_deep_bodies_are_cut() -> None:
    value = redact(b"[" * 400 + b"]" * 400, "application/json")
    for _ in range(21):
        value = value[0]
    assert value == "[nested deeper than 20 levels]"


def test_a_capped_journal_keeps_the_newest_and_says_how_many_went() -> None:
    journal = Journal(cap=2)
    for _ in range(5):
        _open(journal)
    assert [entry.sequence for entry in journal.entries] == [4, 5]
    assert (journal.dropped, journal.sequence) == (3, 5)


def test_entries_are_found_by_each_condition() -> None:
    journal = Journal()
    first, second = _open(journal), _open(journal)
    first.operation, first.tenant_id, first.machine_id = "isolate_machine", "t", "m"
    assert journal.find(operation="isolate_machine") == [first]
    assert journal.find(tenant_id="t", machine_id="m") == [first]
    assert journal.find(after=1) == [second]
    assert as_document(second)["path"] == "/api/alerts"


def test_a_cleared_journal_counts_on() -> None:
    journal = Journal()
    _open(journal)
    journal.clear()
    assert _open(journal).sequence == 2
