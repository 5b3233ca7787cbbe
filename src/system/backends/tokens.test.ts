import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { Unable } from "../../auth/backend.ts";
import { Secret } from "../../protocol/checkpassword/secret.ts";
import { surroundingsOf } from "./surroundings.ts";
import { userOfToken } from "./tokens.ts";

const home = mkdtempSync(join(tmpdir(), "acceptutils-tokens."));
mkdirSync(join(home, "control"));
const [issuer, audience] = ["https://id.example", "mail.example"];
const good = await generateKeyPair("ES256", { extractable: true });
const other = await generateKeyPair("ES256", { extractable: true });
const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(good.publicKey)), kid: "one", alg: "ES256" }] });
writeFileSync(join(home, "keys.json"), keySet);
writeFileSync(join(home, "secret"), "client's secret\n");

let asked = 0;
let opaque: JWTPayload | undefined;
const server = createServer((request, response) => {
  asked += 1;
  if (request.url === "/keys") {
    response.end(keySet);
    return;
  }
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    const [, credentials = ""] = (request.headers.authorization ?? "").split(" ");
    const known = Buffer.from(credentials, "base64").toString() === "mail:client's%20secret";
    if (!known) response.statusCode = 401;
    const active = new URLSearchParams(body).get("token") === "opa+que/token==";
    response.end(JSON.stringify(active && opaque ? { active, ...opaque } : { active: false }));
  });
}).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(home, { recursive: true });
});

let change = 0;
/** Asks with these lines of control/oauth, on top of issuer and audience. */
function userOf(lines: string, token: string, name = ""): Promise<string | undefined> {
  // Another length each time: nobody may take it for the file from before.
  const text = `issuer ${issuer}\naudience ${audience}\n${lines}\n#${"x".repeat(++change)}\n`;
  writeFileSync(join(home, "control", "oauth"), text);
  return userOfToken(surroundingsOf(home), new Secret(Buffer.from(token)), name);
}

const claims: JWTPayload = { iss: issuer, aud: audience, email: "alice@mail.example" };
const signed = (payload: JWTPayload, { exp = "1h", key = good.privateKey, kid = "one" } = {}) =>
  new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid }).setExpirationTime(exp).sign(key);

for (const keys of [join(home, "keys.json"), `${url}/keys`]) {
  const settings = `keys ${keys}\ndomain mail.example`;

  test(`a token that the issuer has signed names its user: keys from ${keys.startsWith("/") ? "a file" : "a URL"}`, async () => {
    const token = await signed(claims);
    assert.equal(await userOf(settings, token), "alice");
    assert.equal(await userOf(settings, token, "alice@mail.example"), "alice");
    assert.equal(await userOf(settings, token, "alice"), "alice");
    assert.equal(await userOf(settings, token, "bob"), undefined);
    assert.equal(await userOf(`keys ${keys}`, token), "alice@mail.example");
    assert.equal(await userOf(`${settings}\nclaim sub`, await signed({ ...claims, sub: "bob" })), "bob");
  });

  test(`tokens that are not good: keys from ${keys.startsWith("/") ? "a file" : "a URL"}`, async () => {
    const [header, , signature] = (await signed(claims)).split(".");
    const forged = Buffer.from(JSON.stringify({ ...claims, email: "bob" })).toString("base64url");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    for (const [what, token] of [
      ["old", await signed(claims, { exp: "-2m" })],
      ["another issuer's", await signed({ ...claims, iss: "https://evil.example" })],
      ["for another service", await signed({ ...claims, aud: "calendar.example" })],
      ["for nobody", await signed({ iss: issuer, email: "alice@mail.example" })],
      ["another key's", await signed(claims, { key: other.privateKey })],
      ["an unknown key's", await signed(claims, { kid: "two" })],
      ["for an address nobody has checked", await signed({ ...claims, email_verified: false })],
      ["without the claim", await signed({ iss: issuer, aud: audience })],
      ["with a name that is none", await signed({ ...claims, email: ["alice"] })],
      [
        "for ever",
        await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "one" }).sign(good.privateKey),
      ],
      ["changed", `${header}.${forged}.${signature}`],
      ["without a signature", `${none}.${forged}.`],
      ["no token", "abc"],
    ] as const) {
      assert.equal(await userOf(settings, token), undefined, what);
    }
  });
}

test("an issuer that is asked says whose a token is, and is not asked again at once", async () => {
  const settings = `introspection ${url}/ask\nclient mail\nsecretfile ${join(home, "secret")}\nclaim username`;
  opaque = { username: "alice", aud: audience, iss: issuer };
  const before = asked;
  assert.equal(await userOf(settings, "opa+que/token=="), "alice");
  assert.equal(await userOf(settings, "opa+que/token=="), "alice");
  assert.equal(asked, before + 1);
  assert.equal(await userOf(settings, "another"), undefined);
  assert.equal(
    await userOf(settings.replace("client mail", "client x"), "third").catch(
      (error) => error instanceof Unable,
    ),
    true,
  );
});

test("when nobody can say, it is our trouble and not the client's", async () => {
  const token = await signed(claims);
  for (const settings of [
    "",
    `keys ${home}/nothing.json`,
    "keys http://127.0.0.1:9/keys",
    "introspection http://127.0.0.1:9/ask",
    "keys http://id.example/keys", // in clear
  ]) {
    await assert.rejects(userOf(settings, token), Unable, settings);
  }
});
