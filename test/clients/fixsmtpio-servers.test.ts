/** fixsmtpio as a process under Debian's tcpserver, in front of every SMTP server of Debian's that speaks on stdin. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { rules } from "../../src/system/home/fixsmtpio-rules.ts";
import { root } from "../runner/case.ts";
import { missing, pathOf } from "./command.ts";
import { Client } from "./smtp-client.ts";

const folder = mkdtempSync(join(tmpdir(), "fixsmtpio-servers-"));
chmodSync(folder, 0o755);
const home = join(folder, "home");
const listeners: ChildProcess[] = [];

after(async () => {
  for (const listener of listeners) {
    const gone = once(listener, "exit");
    listener.kill("SIGTERM");
    await gone;
  }
  rmSync(folder, { recursive: true });
});

mkdirSync(join(home, "control"), { recursive: true });
writeFileSync(join(home, "control", "me"), "mail.example\n");
writeFileSync(join(home, "control", "fixsmtpio"), rules);
/** Keeps what it is given; what a queue is given besides goes nowhere. */
writeFileSync(
  join(folder, "keep"),
  `#!/bin/sh\ncat > ${folder}/message.new && mv ${folder}/message.new ${folder}/message\n`,
  {
    mode: 0o755,
  },
);

/** Where Debian's programs are; .ci/run unpacks those that cannot be installed beside each other into build/servers. */
const unpacked = join(root, "build", "servers", "usr");
const places = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  "/usr/sbin",
  join(unpacked, "bin"),
  join(unpacked, "sbin"),
];
const path = [join(root, "build", "bin"), ...places].join(delimiter);

interface Server {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Its own configuration, in our folder. */
  prepare?(): void;
  /** It hangs up at the first request it does not know, and these are few. */
  readonly knowsFew?: true;
  /** It has BDAT of its own, and is lost when RSET comes between two of them, also without us. */
  readonly losesReset?: true;
  /** The message it took last, when it keeps messages: its own header, then the content. */
  message?(): string;
}

const kept = () => readFileSync(join(folder, "message"), "latin1");

const servers: Readonly<Record<string, Server>> = {
  "smtpfront-echo": { words: ["smtpfront-echo", "accept"] },
  "smtpfront-qmail": {
    words: ["smtpfront-qmail"],
    env: { QMAILHOME: home, QMAILQUEUE: join(folder, "keep"), RELAYCLIENT: "" },
    message: kept,
  },
  "nullmailer-smtpd": {
    // It crashes when tcpserver knows of no name.
    words: ["env", "TCPREMOTEHOST=client.example", "nullmailer-smtpd"],
    env: { NULLMAILER_QUEUE: join(folder, "keep") },
    message: kept,
  },
  msmtpd: {
    words: ["msmtpd", "--inetd", `--command=${join(folder, "keep")}`],
    message: kept,
    knowsFew: true,
  },
  exim4: {
    words: ["exim4", "-C", join(folder, "exim.conf"), "-odi", "-bs"],
    prepare: () => {
      const spool = join(folder, "exim");
      mkdirSync(spool);
      if (process.getuid?.() === 0) chownSync(spool, ...eximIds());
      writeFileSync(join(folder, "exim.conf"), eximConfiguration(spool));
    },
    message: () => readFileSync(join(folder, "exim", "mailbox"), "latin1"),
    losesReset: true,
  },
};

/** Exim takes on this user; only root could say otherwise. */
function eximIds(): [uid: number, gid: number] {
  const users = readFileSync("/etc/passwd", "latin1");
  const [, uid, gid] = /^Debian-exim:[^:]*:(\d+):(\d+):/m.exec(users) ?? [];
  return [Number(uid), Number(gid)];
}

const eximConfiguration = (spool: string) => `primary_hostname = child.example
spool_directory = ${spool}
log_file_path = ${spool}/%slog
keep_environment =
acl_smtp_rcpt = accept
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  file = ${spool}/mailbox
  file_must_exist = false
  mode_fail_narrower = false
${process.getuid?.() === 0 ? "  user = Debian-exim\n" : ""}`;

function obstacle(name: string): string | false {
  if (missing("tcpserver")) return missing("tcpserver");
  if (name === "exim4" && process.getuid!() !== 0) return "exim4 takes our configuration only from root";
  return places.some((place) => existsSync(join(place, name))) ? false : `${name} is not installed`;
}

async function listen(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const listener = spawn(pathOf("tcpserver"), ["-1RHl0", "127.0.0.1", "0", ...words], {
    cwd: home,
    env: { ...process.env, ...env, PATH: path, ACCEPTUTILS_HOME: home },
    stdio: ["ignore", "pipe", "ignore"],
  });
  listeners.push(listener);
  const [port] = (await once(createInterface({ input: listener.stdout }), "line")) as [string];
  return Number(port);
}

/** Says lines one after the other; each is to be answered by a reply that begins so. */
async function converse(
  client: Client,
  lines: readonly (readonly [line: string, reply: string])[],
): Promise<void> {
  for (const [line, reply] of lines)
    assert.equal((await client.say(line)).slice(0, reply.length), reply, line);
}

const envelope = [
  ["MAIL FROM:<alice@mail.example>", "250"],
  ["RCPT TO:<bob@mail.example>", "250"],
] as const;

/** A BDAT and its octets, which include the line end that is said behind them. */
const chunk = (content: string, last = "") =>
  [`BDAT ${content.length + 2}${last}\r\n${content}`, "250"] as const;

for (const [name, server] of Object.entries(servers)) {
  test(`fixsmtpio in front of ${name}`, { skip: obstacle(name) }, async () => {
    server.prepare?.();
    const port = await listen(["fixsmtpio", "-b", ...server.words], server.env);
    const client = await Client.open(port);
    try {
      assert.equal(await client.hear(), "220 mail.example ESMTP\r\n");
      const offers = await client.say("EHLO client.example");
      assert.match(offers, /^250-mail\.example\r\n/);
      assert.match(offers, /^250[ -]CHUNKING\r\n/m);
      assert.doesNotMatch(offers, /^250[ -](STARTTLS|AUTH)/m);
      if (!server.knowsFew) {
        await converse(client, [
          ["STARTTLS", "502 unimplemented (#5.5.1)\r\n"],
          ["NOOP", "250"],
        ]);
      }
      await converse(client, [
        ...envelope,
        ["DATA", "354"],
        ["Subject: lines\r\n\r\n..one dot\r\nNOOP\r\n.", "250"],
      ]);
      holds(server, "Subject: lines", ".one dot\nNOOP\n");
      // Half a message that is forgotten, then a whole one. RFC 3030 §2
      if (!server.knowsFew && !server.losesReset)
        await converse(client, [...envelope, chunk("half"), ["RSET", "250"]]);
      await converse(client, [...envelope, chunk("Subject: chunks\r\n\r\n.a"), chunk("NOOP", " LAST")]);
      holds(server, "Subject: chunks", ".a\nNOOP\n");
      await converse(client, [["QUIT", "221 mail.example\r\n"]]);
    } finally {
      client.close();
    }
  });
}

/** The message the server took last has such a header field and ends so; it is not asked when it keeps none. */
function holds(server: Server, field: string, end: string): void {
  const message = server.message?.().replaceAll("\r\n", "\n").trimEnd();
  if (message === undefined) return;
  assert.ok(message.includes(`${field}\n`), message);
  assert.ok(message.endsWith(end.trimEnd()), message);
}
