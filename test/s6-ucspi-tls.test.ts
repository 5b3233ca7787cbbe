/**
 * Plays the golden transcripts of s6-tcpserver with s6-tcpserver-access and s6-ucspitlsd: in the workers, and as
 * processes, which is how they run behind a word that is not ours.
 */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { casesOf } from "./runner/case.ts";
import { type ListenerCase, type Note, type Server, UcspiListeners } from "./runner/ucspi-listeners.ts";

const listeners = new UcspiListeners();
after(() => listeners.close());

// As a process s6-ucspitlsd reads the key as whoever it runs as; in a worker, nobody who sees clients can.
const readableKey = join(listeners.folder, "readable-key.pem");
copyFileSync(listeners.key, readableKey);
chmodSync(readableKey, 0o644);

const access = ["s6-tcpserver-access", "-v", "1", "-R", "-H", "-l", "0", "--"];
const chain = [...access, "s6-ucspitlsd", "--", listeners.probe];
const hosts: Readonly<Record<string, () => Promise<Server>>> = {
  resident: () =>
    listeners.running("s6-tcpserver", ["-1v", "127.0.0.1", "0", ...chain], { NOTES: listeners.notes }),
  native: () =>
    listeners.running("s6-tcpserver", ["-1v", "127.0.0.1", "0", "env", ...chain], {
      NOTES: listeners.notes,
      KEYFILE: readableKey,
    }),
};

/** The recording with what we do otherwise: docs/specifications.md, s6-handshake. */
const wantedLog = ({ log }: ListenerCase) =>
  log.map((line) => line.replace(/^(s6-tlsd-io: fatal: ).*/, "$1<WHY>")).sort();

/** In an order of its own: that between processes is not fixed. */
const generalLog = (log: string) =>
  log
    .replace(/^s6-tcpserverd: info: session .*\n/gm, "")
    .replace(/\bpid \d+/g, "pid <PID>")
    .replace(/(127\.0\.0\.1_)\d+/g, "$1<PORT>")
    .replace(/^(s6-tlsd-io: fatal: ).+/gm, "$1<WHY>")
    .trimEnd()
    .split("\n")
    .sort();

const withoutIds = ({ uid: _, gid: __, ...note }: Note): Note => note;

for (const [host, serving] of Object.entries(hosts)) {
  for (const played of casesOf<ListenerCase>("ucspi-tls").filter(({ listener }) => listener === "s6")) {
    test(`golden ucspi-tls, ${host}: ${played.name}`, async () => {
      const server = await serving();
      const notes = await listeners.play(played, server);
      assert.deepEqual(
        notes.map(withoutIds),
        played.program_saw.map(({ env_block_length_class: _, ...note }) => note),
      );
      assert.deepEqual(generalLog(server.log), wantedLog(played));
    });
  }
}
