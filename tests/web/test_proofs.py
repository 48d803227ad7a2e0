import io
import zipfile

import httpx

from contoso import Contoso


async def test_the_page_of_a_containment_offers_its_proof_as_a_file(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    address = f"/containment/{contoso.containment_id}/proof"
    assert f'href="{address}"' in (await client.get(f"/containment/{contoso.containment_id}")).text
    reply = await client.get(address)
    assert reply.headers["content-type"] == "application/zip"
    assert reply.headers["content-disposition"].startswith('attachment; filename="containment-fin-ws-014')
    assert "proof.json" in zipfile.ZipFile(io.BytesIO(reply.content)).namelist()


async def test_there_is_no_proof_of_another_organizations_containment(client: httpx.AsyncClient) -> None:
    assert (await client.get("/containment/nonsense/proof")).status_code == 404
