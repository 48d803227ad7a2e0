import hashlib

import httpx
import pytest

from ringfence.simulator.defender import library


def _code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def _upload(
    http: httpx.AsyncClient, name: str = "a.ps1", content: bytes = b"dir", **fields: str
) -> httpx.Response:
    return await http.post("/api/libraryfiles", data=fields, files={"File": (name, content)})


async def test_a_file_is_uploaded_listed_and_deleted(http: httpx.AsyncClient) -> None:
    reply = await _upload(http, Description="lists", ParametersDescription="none")
    body = reply.json()
    assert reply.status_code == 200
    assert body.pop("@odata.context").endswith("#LibraryFiles/$entity")
    assert body == {
        "fileName": "a.ps1",
        "sha256": hashlib.sha256(b"dir").hexdigest(),
        "description": "lists",
        "creationTime": "2026-03-01T12:00:00Z",
        "lastUpdatedTime": "2026-03-01T12:00:00Z",
        "createdBy": "Ringfence",
        "hasParameters": True,
        "parametersDescription": "none",
    }
    plain = (await _upload(http, "b.ps1")).json()
    assert plain["hasParameters"] is False
    assert "parametersDescription" not in plain
    listed = (await http.get("/api/libraryfiles")).json()
    assert [item["fileName"] for item in listed["value"]] == ["a.ps1", "b.ps1"]
    deleted = await http.delete("/api/libraryfiles/a.ps1")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert _code(await http.delete("/api/libraryfiles/a.ps1")) == (404, "ResourceNotFound")


async def test_a_file_is_replaced_only_if_asked(http: httpx.AsyncClient) -> None:
    await _upload(http)
    assert _code(await _upload(http, content=b"new")) == (400, "InvalidInput")
    replaced = (await _upload(http, content=b"new", OverrideIfExists="True")).json()
    assert replaced["sha256"] == hashlib.sha256(b"new").hexdigest()
    assert _code(await _upload(http, OverrideIfExists="yes")) == (400, "InvalidRequestBody")


async def test_a_file_has_at_most_twenty_megabytes(http: httpx.AsyncClient) -> None:
    assert (await _upload(http, content=b"x" * library.LARGEST)).status_code == 200
    assert _code(await _upload(http, "b", content=b"x" * (library.LARGEST + 1))) == (400, "InvalidInput")


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("application/json", b"{}", "InvalidRequestBody"),
        ("multipart/form-data", b"x", "InvalidRequestBody"),
        ("multipart/form-data; boundary=b", b"x", "InvalidRequestBody"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", "MissingRequiredParameter"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="File"; filename="/"\r\n\r\nx\r\n--b--\r\n',
            "MissingRequiredParameter",
        ),
    ],
)
async def test_what_is_no_form_with_a_file_is_refused(
    http: httpx.AsyncClient, kind: str, content: bytes, code: str
) -> None:
    reply = await http.post("/api/libraryfiles", content=content, headers={"Content-Type": kind})
    assert _code(reply) == (400, code)


async def test_only_the_name_of_a_path_is_kept(http: httpx.AsyncClient) -> None:
    assert (await _upload(http, "C:/scripts/a.ps1")).json()["fileName"] == "a.ps1"
