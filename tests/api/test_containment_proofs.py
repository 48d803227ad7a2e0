import io
import zipfile

import httpx

from contoso import Contoso
from ringfence.audit import log
from ringfence.storage import Database


async def test_the_proof_comes_as_json_and_as_a_file(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/api/v1/containments/{contoso.containment_id}/proof"
    made = (await client.get(address)).json()
    assert made["kind"] == "ringfence.containment.proof/1"
    assert made["made_by"]
    reply = await client.get(f"{address}.zip")
    assert reply.headers["content-type"] == "application/zip"
    assert "attachment" in reply.headers["content-disposition"]
    assert "proof.html" in zipfile.ZipFile(io.BytesIO(reply.content)).namelist()
    taken = embedded.read_now(lambda tx: log.listing(tx, contoso.organization_id, event="containment:proof_taken"))
    assert [entry.via for entry in taken.entries] == ["api"]


async def test_there_is_no_proof_of_what_is_not_there_and_none_for_strangers(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, contoso: Contoso
) -> None:
    for ending in ("proof", "proof.zip"):
        assert (await client.get(f"/api/v1/containments/nonsense/{ending}")).status_code == 404
        stranger = await visitor.get(f"/api/v1/containments/{contoso.containment_id}/{ending}")
        assert stranger.status_code == 401
