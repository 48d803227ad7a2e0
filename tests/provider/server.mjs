// The certified OpenID provider `oidc-provider`, with one client and whoever signs in; prints its issuer when it is ready.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, redirect] = process.argv.slice(2);
const found = createRequire(`${modules}/`).resolve("oidc-provider");
const { default: Provider } = await import(pathToFileURL(found));

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "ringfence",
        client_secret: "a secret of the tests +/&",
        redirect_uris: [redirect],
        post_logout_redirect_uris: ["https://ringfence.contoso.com/sign-in"],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
    cookies: { keys: ["of the tests"] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: `${id}@contoso.com`, groups: ["soc"] }),
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
