/** A directory: search for the user, then bind as him. checkpassword-ldap(8) */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleepMs } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import type { Client, Entry } from "ldapts";
import { type Backend, type Question, Unable } from "../../auth/backend.ts";
import { PastTimes } from "../../auth/past-times.ts";
import { filterFor, type LdapSettings, ldapSettings } from "../../control/checkpassword-ldap.ts";
import type { KnownOf } from "../../control/virtual-account.ts";
import type { Account } from "../system.ts";
import { accountWith, readSecretFile, type Surroundings, settingsFor } from "./surroundings.ts";

export function open(around: Surroundings): Backend {
  const past = new PastTimes();
  return {
    remote: true,
    async verify(question, check) {
      const settings = await settingsFor(around, "checkpassword-ldap", ldapSettings);
      let account: Account | undefined;
      const right = await check(async () => {
        const known = await within(settings, (socketOf) => logIn(settings, question, past, socketOf));
        if (known !== undefined) account = accountWith(known, settings);
        return account !== undefined;
      });
      return right ? account : undefined;
    },
  };
}

type SocketOf = (socket: Socket) => Socket;

/** Lets `work` have its time, and no more: its sockets are gone then. Throws Unable. */
async function within<Result>(
  { url, timeout }: LdapSettings,
  work: (socketOf: SocketOf) => Promise<Result>,
): Promise<Result> {
  const sockets: Socket[] = [];
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    for (const socket of sockets) socket.destroy();
  }, timeout * 1000);
  try {
    return await work((socket) => {
      sockets.push(socket);
      return socket;
    });
  } catch (error) {
    if (error instanceof Unable) throw error;
    const why = late ? `no answer within ${timeout} seconds` : (error as Error).message;
    throw new Unable(`${url.host}: ${why}`, { cause: error });
  } finally {
    clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
  }
}

/** What the directory says of the user whose password is right; undefined: it is not. */
async function logIn(
  settings: LdapSettings,
  { user, secret }: Question,
  past: PastTimes,
  socketOf: SocketOf,
): Promise<KnownOf | undefined> {
  const { url, starttls, binddn, bindpasswordfile, timeout } = settings;
  const { Client } = await import("ldapts");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const tls = { host, ...(settings.ca !== undefined && { ca: readFileSync(settings.ca) }) };
  const client = new Client({
    url: url.href,
    timeout: timeout * 1000,
    connectTimeout: timeout * 1000,
    strictDN: false,
    // Their mere presence would mean TLS from the first byte.
    ...(url.protocol === "ldaps:" && { tlsOptions: tls }),
    createConnection: ((port: number, host: string) => socketOf(connect(port, host))) as typeof connect,
    createSecureConnection: ((...words: Parameters<typeof connectTls>) =>
      socketOf(connectTls(...words))) as typeof connectTls,
  });
  if (url.protocol === "ldap:" && starttls === "yes") await client.startTLS(tls);
  if (binddn !== undefined) await client.bind(binddn, await readSecretFile(bindpasswordfile));
  const entry = await search(client, settings, user);
  const started = performance.now();
  const right = await bind(
    client,
    entry?.dn ?? `cn=${randomBytes(8).toString("hex")},${settings.base}`,
    secret,
  );
  const took = performance.now() - started;
  if (entry === undefined) await sleepMs(Math.max(0, past.draw(Math.random()) - took));
  else past.add(took);
  return right && entry !== undefined ? knownOf(entry, user) : undefined;
}

const attributes = ["uidNumber", "gidNumber", "homeDirectory", "loginShell"];

/** The one entry that fits; undefined: none. Throws when there are more. */
async function search(
  client: Client,
  { base, filter }: LdapSettings,
  user: string,
): Promise<Entry | undefined> {
  const options = { filter: filterFor(filter, user), scope: "sub", attributes, sizeLimit: 2 } as const;
  const { searchEntries } = await client.search(base, options);
  if (searchEntries.length > 1) throw new Unable(`more than one entry under ${base} fits one name`);
  return searchEntries[0];
}

/** Answers that are about the user: no such object, inappropriate authentication, credentials, rights, unwilling, lock. */
const refusals = new Set([19, 32, 48, 49, 50, 53]);

async function bind(client: Client, dn: string, secret: Question["secret"]): Promise<boolean> {
  // RFC 4513 §5.1.2: a bind without a password is one as nobody, which is always right.
  const password =
    secret.length > 0 ? Buffer.from(secret.reveal()).toString() : randomBytes(8).toString("hex");
  try {
    await client.bind(dn, password);
    return secret.length > 0;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code === "number" && refusals.has(code)) return false;
    throw error;
  }
}

/** Attributes of posixAccount. RFC 2307 */
function knownOf(entry: Entry, user: string): KnownOf {
  const [uid, gid, home, shell] = attributes.map((name) => {
    const value = [entry[name] ?? []].flat()[0];
    return value === undefined ? undefined : Buffer.from(value as string | Buffer).toString("latin1");
  });
  return { user, uid, gid, home, shell };
}
