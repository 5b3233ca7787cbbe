/**
 * The accounts of a home folder, and which numbers they get. Without root there is one number for all: ours.
 * As root, each account is somebody else, so that one cannot read what another has.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Owner } from "./atomic.ts";

/** Who the parts of the service run as. Nobody logs in as them. */
export const serviceAccounts: ReadonlyMap<string, string> = new Map([
  ["qmaild", "incoming SMTP"],
  ["ucspissl", "TLS"],
  ["authup", "sessions before they are authenticated"],
  ["qmailq", "the queue"],
  ["qmailr", "mail on its way out"],
]);

/** The machine's own accounts, as far as we must know them. */
export interface Machine {
  /** Who runs this. */
  readonly self: Owner;
  /** The account called `name`; undefined when there is none. */
  account(name: string): Owner | undefined;
  /** Those of `ids` that a user or group of the machine has. */
  taken(ids: readonly number[]): ReadonlySet<number>;
}

/** Numbers that no distribution gives to anybody for good. Source: systemd's UIDS-GIDS */
const firstId = 61_184;
const lastId = 65_519;

/**
 * A number for each of `names`: as root, that of the machine's account of this name if there is one (`own` ones
 * excepted: our alice is not the machine's), else a free one; without root, always ours.
 * The search begins at a place that depends on `home`, so that two homes seldom share numbers.
 */
export function chooseIds(
  names: readonly string[],
  own: ReadonlySet<string>,
  home: string,
  used: ReadonlySet<number>,
  machine: Machine,
): ReadonlyMap<string, Owner> {
  if (machine.self.uid !== 0) return new Map(names.map((name) => [name, machine.self]));
  const free = freeIds(home, used, machine);
  return new Map(
    names.map((name) => {
      const there = own.has(name) ? undefined : machine.account(name);
      if (there !== undefined && there.uid !== 0) return [name, there];
      const { value: id } = free.next();
      if (id === undefined) throw new RangeError(`no number from ${firstId} to ${lastId} is free`);
      return [name, { uid: id, gid: id }];
    }),
  );
}

function* freeIds(home: string, used: ReadonlySet<number>, machine: Machine): Generator<number, undefined> {
  const count = lastId - firstId + 1;
  const start = createHash("sha256").update(home).digest().readUInt32BE(0) % count;
  const batch = 32;
  for (let at = 0; at < count; at += batch) {
    const size = Math.min(batch, count - at);
    const ids = Array.from({ length: size }, (_, step) => firstId + ((start + at + step) % count));
    const taken = machine.taken(ids);
    for (const id of ids) if (!taken.has(id) && !used.has(id)) yield id;
  }
  return undefined;
}

/** This machine, asked by getent(1), which also knows of directories on the network; else by /etc. */
export const thisMachine: Machine = {
  get self() {
    return { uid: process.geteuid!(), gid: process.getegid!() };
  },
  account: (name) => entries("passwd", [name]).find((entry) => entry.name === name)?.owner,
  taken: (ids) =>
    new Set([
      ...entries("passwd", ids.map(String)).map(({ owner }) => owner.uid),
      ...entries("group", ids.map(String)).map(({ owner }) => owner.uid),
    ]),
};

interface Entry {
  readonly name: string;
  readonly owner: Owner;
}

function entries(database: "passwd" | "group", keys: readonly string[]): Entry[] {
  const asked = spawnSync("getent", [database, ...keys], { encoding: "latin1" });
  const text = asked.error === undefined ? asked.stdout : readFileSync(`/etc/${database}`, "latin1");
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= 4)
    .map(([name = "", , id, gid]) => ({ name, owner: { uid: Number(id), gid: Number(gid) } }));
}

/** users/accounts: the service accounts' numbers, for everybody to read: `name:uid:gid`. See bin/id. */
export function accountsText(accounts: ReadonlyMap<string, Owner>): string {
  return [...accounts].map(([name, { uid, gid }]) => `${name}:${uid}:${gid}\n`).join("");
}

/** The service accounts of users/accounts. Lines that are none are passed over. */
export function parseAccounts(text: string): ReadonlyMap<string, Owner> {
  const accounts = new Map<string, Owner>();
  for (const line of text.split("\n")) {
    const [, name, uid, gid] = /^([^:]+):(\d{1,10}):(\d{1,10})$/.exec(line) ?? [];
    if (name !== undefined) accounts.set(name, { uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}

/**
 * bin/id: run scripts ask id(1) for the numbers of accounts, and those of a home folder need not be the machine's.
 * `command -p` finds the machine's id whatever PATH says, and so never this script again.
 */
export const idScript = `#!/bin/sh
# id(1), which knows the service accounts of this home folder: users/accounts has them.
if [ $# -eq 2 ]; then
  while IFS=: read -r name uid gid; do
    case "$1 $2" in
    "-u $name") echo "$uid"; exit 0 ;;
    "-g $name") echo "$gid"; exit 0 ;;
    esac
  done < "\${0%/*}/../users/accounts"
fi
command -p id "$@"
`;
