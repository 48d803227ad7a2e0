import json

import httpx

from ringfence.accounts.permissions import FEATURES


async def test_features_setup_and_sign_in_errors_are_told(client: httpx.AsyncClient) -> None:
    features = (await client.get("/api/v1/account-features")).json()["items"]
    assert [each["id"] for each in features] == list(FEATURES)
    setup = (await client.get("/api/v1/account-setup?feature=hunting&cloud=gcc")).json()
    assert setup["permissions"][-1]["permission"] == "AdvancedQuery.Read.All"
    assert json.loads(setup["manifest"])["signInAudience"] == "AzureADMyOrg"
    assert "az ad app create" in setup["script"]
    government = (await client.get("/api/v1/account-setup?cloud=dod")).json()
    assert {"title": "Microsoft Graph", "address": "https://dod-graph.microsoft.us", "documented": True} in government[
        "addresses"
    ]
    assert "commercial directory" in government["unverified"][-1]
    assert (await client.get("/api/v1/account-setup?cloud=mars")).status_code == 400
    assert (await client.get("/api/v1/account-setup?feature=fly")).status_code == 400
    assert (await client.get("/api/v1/sign-in-errors/7000222")).json()["meaning"] == "the client secret has expired."
    assert (await client.get("/api/v1/sign-in-errors/1")).status_code == 404
