/** A table of PostgreSQL: one query, whose hash we compare. checkpassword-pgsql(8) */
import { readFileSync } from "node:fs";
import type { Sql } from "postgres";
import { type Backend, Unable } from "../../auth/backend.ts";
import { type PgsqlSettings, pgsqlSettings } from "../../control/checkpassword-pgsql.ts";
import { comparisonOf } from "../../control/database-hash.ts";
import { currentCost, formatHash, unmatchable } from "../../control/password-hash.ts";
import type { Secret } from "../../protocol/checkpassword/secret.ts";
import { accountWith, readSecretFile, type Surroundings, settingsFor } from "./surroundings.ts";

/** Connections of a process that stays, and questions that wait for one. */
const connections = 4;
const mostWaiting = 200;

/** A row of the query; all as text, undefined where there is no such column or it is null. latin1. */
type Row = Readonly<Record<string, string | undefined>>;

export function open(around: Surroundings): Backend {
  let database: { readonly settings: PgsqlSettings; readonly sql: Promise<Sql> } | undefined;
  let waiting = 0;
  /** A hash that somebody has, so that nobody costs as much. */
  let seen: string | undefined;

  /** One set of connections for one state of the control file. */
  function connected(settings: PgsqlSettings): Promise<Sql> {
    if (database?.settings === settings) return database.sql;
    leave();
    const sql = connect(settings, around.alone ? 1 : connections);
    database = { settings, sql };
    sql.catch(() => {
      database = undefined; // the password's file may be there next time
    });
    return sql;
  }

  function leave(): void {
    database?.sql.then((sql) => sql.end({ timeout: 0 })).catch(() => {});
    database = undefined;
  }

  async function lookUp(settings: PgsqlSettings, user: string): Promise<Row | undefined> {
    if (waiting >= mostWaiting) throw new Unable("PostgreSQL: too many passwords to check");
    waiting += 1;
    try {
      return await within(settings, await connected(settings), user);
    } finally {
      waiting -= 1;
    }
  }

  const crypt = async (hash: string, secret: Secret) => {
    const { right = false, unable } = await around.perform({ do: "crypt", hash }, secret.reveal());
    if (unable !== undefined) throw new Unable(unable);
    return right;
  };

  return {
    async verify({ user, secret }, check) {
      const settings = await settingsFor(around, "checkpassword-pgsql", pgsqlSettings);
      const row = await lookUp(settings, user);
      const { password, uid, gid, home, shell } = row ?? {};
      const compare = password === undefined ? undefined : comparisonOf(password);
      if (compare !== undefined) seen = password;
      const account =
        compare === undefined
          ? undefined
          : accountWith({ user: row?.["user"] || user, uid, gid, home, shell }, settings);
      const stored = compare === undefined ? (settings.dummy ?? seen ?? usualHash) : password!;
      const work = compare ?? comparisonOf(stored)!;
      // Somebody else's hash, in the place of nobody's, must not be answered from memory: that would be quick.
      const known = Buffer.from(compare === undefined ? `${stored}\0` : stored, "latin1");
      const right = await check(() => work(secret, crypt), known);
      return right && secret.length > 0 ? account : undefined;
    },
    close: leave,
  };
}

const usualHash = formatHash(unmatchable(currentCost));

async function connect(settings: PgsqlSettings, max: number): Promise<Sql> {
  const { host, port, database, user, passwordfile, tls, ca, timeout } = settings;
  const { default: postgres } = await import("postgres");
  const socket = host.startsWith("/");
  return postgres({
    ...(socket ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }),
    database,
    username: user,
    password: await readSecretFile(passwordfile),
    ssl: socket || tls === "no" ? false : { host, ...(ca !== undefined && { ca: readFileSync(ca) }) },
    max,
    idle_timeout: 60,
    connect_timeout: timeout,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: "checkpassword-pgsql", statement_timeout: timeout * 1000 },
  });
}

/** One row; undefined: none. Throws Unable. */
async function within({ query, timeout }: PgsqlSettings, sql: Sql, user: string): Promise<Row | undefined> {
  const asked = sql.unsafe(query, [Buffer.from(user, "latin1").toString("utf8")]);
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      asked.cancel();
      reject(new Error(`no answer within ${timeout} seconds`));
    }, timeout * 1000);
  });
  try {
    const rows = await Promise.race([asked, tooLate]);
    if (rows.length > 1) throw new Error("more than one row fits one name");
    const [row] = rows;
    return row === undefined ? undefined : textsOf(row);
  } catch (error) {
    throw new Unable(`PostgreSQL: ${(error as Error).message}`, { cause: error });
  } finally {
    clearTimeout(late);
  }
}

const textsOf = (row: Record<string, unknown>): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value === null || value === undefined ? undefined : Buffer.from(String(value)).toString("latin1"),
    ]),
  );
