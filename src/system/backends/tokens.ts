/** Access tokens: signed by a key that control/oauth tells of, or known to the issuer, who is asked. */
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from "jose";
import { Unable } from "../../auth/backend.ts";
import { type OauthSettings, oauthSettings } from "../../control/oauth.ts";
import type { Secret } from "../../protocol/checkpassword/secret.ts";
import { readFileCached } from "../files.ts";
import { type Surroundings, settingsFor } from "./surroundings.ts";

/** Signatures with a secret that both sides know are not among them: an issuer's public key would do for that. */
const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/** Seconds that an answer of the issuer is believed: so long may a token go on that was taken back. */
const rememberSeconds = 60;
const mostRemembered = 10_000;
/** Of an answer of the issuer. */
const mostOctets = 1 << 16;

/** What is kept between questions. One for a process. */
const keySets = new Map<string, JWTVerifyGetKey>();
const localKeys = new WeakMap<Uint8Array, JWTVerifyGetKey>();
const remembered = new Map<string, { readonly claims: JWTPayload; readonly until: number }>();
const key = randomBytes(32);

/**
 * Whose token it is (latin1); undefined when it is not good, or not of the user that was asked for, if one was.
 * Throws Unable when nobody can say.
 */
export async function userOfToken(
  around: Surroundings,
  token: Secret,
  asked: string,
): Promise<string | undefined> {
  const settings = await settingsFor(around, "oauth", oauthSettings);
  const claims =
    settings.keys === undefined ? await introspected(settings, token) : await verified(settings, token);
  const value = claims?.[settings.claim];
  if (typeof value !== "string" || value === "") return undefined;
  // An address that the issuer has not seen an answer from is anybody's.
  if (settings.claim === "email" && claims?.["email_verified"] === false) return undefined;
  const user = withoutDomain(Buffer.from(value, "utf8").toString("latin1"), settings);
  return asked === "" || withoutDomain(asked, settings) === user ? user : undefined;
}

function withoutDomain(name: string, { domain }: OauthSettings): string {
  const end = `@${domain}`;
  return domain !== undefined && name.toLowerCase().endsWith(end.toLowerCase())
    ? name.slice(0, -end.length)
    : name;
}

async function verified(settings: OauthSettings, token: Secret): Promise<JWTPayload | undefined> {
  const { jwtVerify, errors } = await import("jose");
  const { issuer, audience } = settings;
  try {
    const keys = await keysOf(settings);
    const checks = { issuer, audience, algorithms, requiredClaims: ["exp"], clockTolerance: 30 };
    return (await jwtVerify(token.reveal(), keys, checks)).payload;
  } catch (error) {
    const ours =
      !(error instanceof errors.JOSEError) ||
      error instanceof errors.JWKSTimeout ||
      error instanceof errors.JWKSInvalid;
    // jose's own words for a key set that did not come as one.
    if (ours || error.code === "ERR_JOSE_GENERIC")
      throw new Unable(`control/oauth: keys: ${(error as Error).message}`);
    return undefined;
  }
}

async function keysOf({ keys = "", timeout }: OauthSettings): Promise<JWTVerifyGetKey> {
  const { createLocalJWKSet, createRemoteJWKSet } = await import("jose");
  if (keys.startsWith("/")) {
    const bytes = readFileCached(keys);
    if (bytes === undefined) throw new Unable(`control/oauth: there is no ${keys}`);
    const there =
      localKeys.get(bytes) ?? createLocalJWKSet(JSON.parse(Buffer.from(bytes).toString()) as JSONWebKeySet);
    localKeys.set(bytes, there);
    return there;
  }
  const name = `${keys} ${timeout}`;
  const there =
    keySets.get(name) ??
    createRemoteJWKSet(new URL(keys), { timeoutDuration: timeout * 1000, cooldownDuration: 30_000 });
  keySets.set(name, there);
  return there;
}

/** RFC 7662 §2. */
async function introspected(settings: OauthSettings, token: Secret): Promise<JWTPayload | undefined> {
  const { introspection, issuer, audience } = settings;
  if (introspection === undefined) throw new Unable("control/oauth: neither keys nor introspection is set");
  const mark = createHmac("sha256", key).update(token.reveal()).digest("base64");
  const before = remembered.get(mark);
  if (before !== undefined && Date.now() < before.until) return before.claims;
  remembered.delete(mark);
  const claims = await ask(introspection, settings, token);
  const { aud, iss, exp } = claims;
  const good =
    claims["active"] === true &&
    (iss === undefined || iss === issuer) &&
    [aud].flat().includes(audience) &&
    (exp === undefined || exp * 1000 > Date.now());
  if (!good) return undefined;
  if (remembered.size >= mostRemembered) remembered.clear();
  const until = Math.min(Date.now() + rememberSeconds * 1000, (exp ?? Number.POSITIVE_INFINITY) * 1000);
  remembered.set(mark, { claims, until });
  return claims;
}

async function ask(
  url: URL,
  { client, secretfile, timeout }: OauthSettings,
  token: Secret,
): Promise<JWTPayload> {
  const password = secretfile === undefined ? "" : readFileSync(secretfile, "latin1").trim();
  const who = [client, password].map(encodeURIComponent).join(":");
  const body = formOf(token);
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "error",
      headers: {
        accept: "application/json",
        authorization: `Basic ${Buffer.from(who).toString("base64")}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body,
      signal: AbortSignal.timeout(timeout * 1000),
    });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return JSON.parse(await textOf(response)) as JWTPayload;
  } catch (error) {
    throw new Unable(`${url.host}: ${(error as Error).message}`, { cause: error });
  } finally {
    body.fill(0);
  }
}

/** `token=…`; of a token's octets only + / and = need another spelling. RFC 6750 §2.1 */
function formOf(token: Secret): Uint8Array<ArrayBuffer> {
  const octets: number[] = [...Buffer.from("token=")];
  for (const octet of token.reveal()) {
    if (/[+/=]/.test(String.fromCharCode(octet))) octets.push(...Buffer.from(`%${octet.toString(16)}`));
    else octets.push(octet);
  }
  const form = Uint8Array.from(octets);
  octets.fill(0);
  return form;
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of response.body ?? []) {
    octets += chunk.length;
    if (octets > mostOctets) throw new Error("too long an answer");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
