from email.parser import BytesParser
from email.policy import HTTP

import pytest

from microsoft import Microsoft, answer
from operation_cases import Case
from ringfence.defender import InvalidArgument, ReplyLost
from ringfence.defender.operations.library import LARGEST_LIBRARY_FILE

CASES = [
    Case(
        "list_library_files",
        "GET /api/libraryfiles",
        lambda d: d.list_library_files(),
        {"value": [{"fileName": "a.ps1"}]},
        result=lambda found: found[0].file_name == "a.ps1",
    ),
    Case(
        "delete_library_file",
        "DELETE /api/libraryfiles/a%20b.ps1",
        lambda d: d.delete_library_file("a b.ps1"),
        status=204,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_a_file_is_sent_as_a_form() -> None:
    microsoft = Microsoft(answer({"fileName": "a.ps1", "hasParameters": True}))
    async with microsoft.client() as defender:
        made = await defender.upload_library_file(
            "a.ps1", b"\x00exit 0", description="d", parameters_description="-x", override_if_exists=True
        )
    assert made.has_parameters
    request = microsoft.requests[0]
    assert (request.method, microsoft.urls[0]) == ("POST", "/api/libraryfiles")
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + request.content)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
    assert {name: part.get_payload(decode=True) for name, part in parts.items()} == {
        "File": b"\x00exit 0",
        "Description": b"d",
        "ParametersDescription": b"-x",
        "HasParameters": b"true",
        "OverrideIfExists": b"true",
    }
    assert parts["File"].get_filename() == "a.ps1"


async def test_an_upload_is_repeated_only_where_it_may_replace() -> None:
    microsoft = Microsoft(answer({}, 500), answer({"fileName": "a"}), answer({}, 500))
    async with microsoft.client() as defender:
        await defender.upload_library_file("a", b"x", override_if_exists=True)
        with pytest.raises(ReplyLost):
            await defender.upload_library_file("a", b"x")


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b", 'a"b', "a\nb"])
async def test_what_is_no_file_s_name_is_not_sent(name: str) -> None:
    async with Microsoft().client() as defender:
        with pytest.raises(InvalidArgument):
            await defender.upload_library_file(name, b"x")


async def test_a_file_that_is_too_large_is_not_sent() -> None:
    async with Microsoft().client() as defender:
        with pytest.raises(InvalidArgument, match="20 MB"):
            await defender.upload_library_file("a", bytes(LARGEST_LIBRARY_FILE + 1))
