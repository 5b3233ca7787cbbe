import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { selfSigned } from "./certificate.ts";
import { faultsIn, formatFault } from "./faults.ts";

const folder = mkdtempSync(join(tmpdir(), "faults-"));
after(() => rmSync(folder, { recursive: true }));
const own = (when: string) => selfSigned({ names: ["mail.example.org"], now: new Date(when) });
const pem = selfSigned({ names: ["mail.example.org"], now: new Date() });
const [key = "", certificate = ""] = pem.split(/(?=-----BEGIN CERT)/);

const good: Readonly<Record<string, string>> = {
  "control/me": "mail.example.org\n",
  "control/locals": "# ours\nmail.example.org\n\nLOCALHOST\n",
  "control/rcpthosts": ".example.org\n[127.0.0.1]\n",
  "control/recipients": "alice\npostmaster:alice\n",
  "control/databytes": "52428800 is 50 MiB\n",
  "control/smtpcapabilities": "PIPELINING\n8BITMIME\n",
  "control/pop3capabilities": "TOP\nUIDL\n",
  "control/smtpfilters": "sh\n#none\n",
  "control/fixsmtpio": ":ehlo::2*::&fixsmtpio_fixup\n",
  "control/servercert.pem": pem,
  "control/somebody-elses": "\0\0\0",
  "users/passwd": "alice:*:1:1::mail/alice:\n",
  "users/accounts": "qmaild:1:1\n",
  "service/smtp/run": "#!/bin/sh\n",
  "mail/alice/Maildir/new/x": "",
  "queue/x": "",
};

const renew = "; without this file, acceptutils init makes a new one";

let homes = 0;
/** The faults of a home that is good but for `changes`; undefined: the file is not there; null: nor its folder. */
function faults(changes: Readonly<Record<string, string | undefined | null>>): string[] {
  const home = join(folder, String(homes++));
  for (const [file, text] of Object.entries({ ...good, ...changes })) {
    if (text === null || (text === undefined && file === "queue/x")) continue;
    mkdirSync(dirname(join(home, file)), { recursive: true });
    if (text !== undefined) writeFileSync(join(home, file), text);
  }
  return faultsIn(home, "/usr/bin:/bin").map((fault) => formatFault(home, fault).replace(`${home}/`, ""));
}

test("a good home has no faults", () => {
  assert.deepEqual(faults({}), []);
});

test("each fault is a line that names file, line, column, and what is right", () => {
  for (const [file, text, fault] of [
    ["control/me", undefined, "control/me: is missing; acceptutils init makes what is missing"],
    [
      "control/penaltyexempt",
      "# ours\n198.51.100.0/24\n10.0.0/8\n",
      'control/penaltyexempt:3:1: wants a network such as 198.51.100.0/24, not "10.0.0/8"',
    ],
    [
      "control/authmechanisms",
      "PLAIN\nscram-sha-256\nSCRAM\n",
      'control/authmechanisms:3:1: wants a mechanism that authup(8) lists, not "SCRAM"',
    ],
    [
      "control/certificateusers",
      "alice email:a@b\nbob sha256:abc\n",
      'control/certificateusers:2:1: wants a user and "sha256:…", "subject:…" or "email:…"',
    ],
    ["control/me", "mail example\n", 'control/me:1:1: wants a host name, not "mail example"'],
    ["control/me", "mail.example.org\r\n", 'control/me:1:1: wants a host name, not "mail.example.org?"'],
    [
      "control/locals",
      "a.example\nb c\n",
      'control/locals:2:2: " " cannot be in a domain; one domain a line',
    ],
    [
      "control/rcpthosts",
      "me@example.org\n",
      'control/rcpthosts:1:3: "@" cannot be in a domain; one domain a line',
    ],
    ["control/recipients", "a:b:c\n", 'control/recipients:1:1: wants "name" or "name:other-name"'],
    ["control/recipients", "bob@example.org\n", 'control/recipients:1:1: wants "name" or "name:other-name"'],
    [
      "control/recipients",
      "# x\nalice\npostmaster:bob\n",
      "control/recipients:3:12: there is no mailbox mail/bob; acceptutils user add bob makes it",
    ],
    ["control/databytes", "many\n", 'control/databytes:1:1: wants a number, not "many"'],
    [
      "control/smtpcapabilities",
      "250-PIPELINING\n",
      'control/smtpcapabilities:1:1: "250-" is not for this file: authup adds it',
    ],
    [
      "control/smtpcapabilities",
      "SIZE\nauth PLAIN\n",
      'control/smtpcapabilities:2:1: "auth" is not for this file: authup adds it',
    ],
    ["control/pop3capabilities", "TOP\r\n", "control/pop3capabilities:1:4: a carriage return at the end"],
    [
      "control/smtpfilters",
      "sh -c true\n",
      "control/smtpfilters:1:1: unable to run sh -c true: file does not exist; one program a line, without arguments",
    ],
    ...["control/smtpfilters", "control/ofmipfilters"].map(
      (file) =>
        [
          file,
          "sh\ns\0h\n\x1b[2J\n",
          `${file}:2:2: a control character cannot be in the name of a program; one program a line`,
        ] as const,
    ),
    [
      "control/ofmipfilters",
      `${"x".repeat(300)}\n`,
      `control/ofmipfilters:1:1: unable to run ${"x".repeat(60)}: file name too long; one program a line, without arguments`,
    ],
    ...["control/smtpcapabilities", "control/pop3capabilities"].map(
      (file) =>
        [file, "TOP\nSI\0ZE\n", `${file}:2:3: a control character cannot be in a capability`] as const,
    ),
    [
      "control/fixsmtpio",
      "# greeting\n:greeting:2*:\n",
      "control/fixsmtpio:2:14: a rule has six fields, env:event:prepend:glob:exitcode:response, not 4 fields",
    ],
    ["control/rcpthosts", undefined, "control/rcpthosts: is missing; acceptutils init makes what is missing"],
    ["users/passwd", "alice:x\n", "users/passwd:1:1: wants name:hash:uid:gid:gecos:home:shell"],
    ["users/passwd", "a:*:1:1:::\na:*:2:2:::\n", "users/passwd:2:1: there is another a above"],
    ["users/passwd", undefined, "users/passwd: is missing; acceptutils init makes what is missing"],
    ["users/accounts", undefined, "users/accounts: is missing; acceptutils init makes what is missing"],
    ["users/accounts", "qmaild:x:1\n", "users/accounts:1:1: wants name:uid:gid"],
    [
      "control/servercert.pem",
      undefined,
      "control/servercert.pem: is missing; acceptutils init makes what is missing",
    ],
    ["control/servercert.pem", "", `control/servercert.pem:1:1: has no private key that can be read${renew}`],
    [
      "control/servercert.pem",
      certificate,
      `control/servercert.pem:1:1: has no private key that can be read${renew}`,
    ],
    [
      "control/servercert.pem",
      key,
      `control/servercert.pem:1:1: has no certificate that can be read${renew}`,
    ],
    [
      "control/servercert.pem",
      key + own("2026-01-01").replace(/^[\s\S]*?(?=-----BEGIN CERT)/, ""),
      `control/servercert.pem:6:1: the certificate is not for the key above it${renew}`,
    ],
    ["service/smtp/run", undefined, "service/smtp/run: is missing: a service is a folder with a run script"],
  ] as const) {
    assert.deepEqual(faults({ [file]: text }), [fault]);
  }
});

test("a certificate that has ended is a fault", () => {
  const [fault = ""] = faults({ "control/servercert.pem": own("2020-01-01") });
  assert.match(
    fault,
    /^control\/servercert\.pem:6:1: the certificate ended on Apr +\d+ .* 2022 GMT; without/,
  );
});

test("a folder in the place of a file is a fault, and the other way round", () => {
  for (const file of ["service/smtp/run", "control/servercert.pem", "users/passwd", "control/me"]) {
    const fault = `${file}: is a folder, and should be a file: move it away`;
    assert.deepEqual(faults({ [file]: undefined, [`${file}/x`]: "" }), [fault]);
  }
  assert.deepEqual(faults({ "service/smtp/env/PATH/x": "" }), [
    "service/smtp/env: wants files that we can read: one of them is a folder, and should be a file: move it away",
  ]);
  assert.deepEqual(faults({ "queue/x": undefined, queue: "" }), [
    "queue: is a file, and should be a folder: move it away, and it is made",
  ]);
});

test("a queue that is not there, or not for us to write, is a fault", (t) => {
  const home = join(folder, String(homes));
  assert.deepEqual(faults({}), []);
  const words = () => faultsIn(home, "/bin:/usr/bin").map(({ file, text }) => `${file} ${text}`);
  rmSync(join(home, "queue"), { recursive: true });
  assert.deepEqual(words(), ["queue is missing; acceptutils init makes what is missing"]);
  if (process.getuid!() === 0) return t.skip("root can write everything");
  mkdirSync(join(home, "queue"), { mode: 0o500 });
  assert.match(
    words().join("\n"),
    /^queue cannot be written by us, uid \d+: start as its owner, or change its mode$/,
  );
});

test("a file that cannot be read is a fault", (t) => {
  if (process.getuid!() === 0) return t.skip("root can read everything");
  const home = join(folder, String(homes));
  assert.deepEqual(faults({}), []);
  chmodSync(join(home, "users", "passwd"), 0);
  assert.match(faultsIn(home, "/bin")[0]?.text ?? "", /cannot be read by us, uid \d+: start as its owner/);
});

test("what is no text, or too long, or empty, is a line or a few, in whatever file", () => {
  const garbage = Array.from({ length: 300 }, (_, at) => String.fromCharCode((at * 7919) & 255)).join("\n");
  for (const [file, text, fault] of [
    ["control/smtpgreeting", garbage, "control/smtpgreeting:1:1: has a control character: this is no text"],
    [
      "control/smtpgreeting",
      "x".repeat(507),
      "control/smtpgreeting:1:507: a line has at most 506 characters here",
    ],
    ...["smtproutes", "badmailfrom", "badrcptto", "doublebounceto"].map(
      (name) =>
        [
          `control/${name}`,
          `a\n${"x".repeat(1001)}\n`,
          `control/${name}:2:1001: a line has at most 1000 characters here`,
        ] as const,
    ),
    ["control/smtproutes", "a:b\n\x00", "control/smtproutes:2:1: has a control character: this is no text"],
    [
      "control/rcpthosts",
      "a".repeat(300),
      "control/rcpthosts:1:256: a domain has at most 255 characters; one domain a line",
    ],
    [
      "control/smtpcapabilities",
      `PIPELINING\n${"X".repeat(600)}`,
      "control/smtpcapabilities:2:507: too long for a line of a reply",
    ],
    ["users/accounts", "", `users/accounts:1:1: has no accounts${renew}`],
    ["service/smtp/run", "", "service/smtp/run:1:1: is empty: a run script starts the service"],
    ["service/smtp/run", "#!/bin/sh\n\x01", "service/smtp/run:2:1: has a control character: this is no text"],
    [
      "service/smtp/env/A",
      "x".repeat(200_000),
      "service/smtp/env/A: is too long for a variable: at most 100000 octets",
    ],
    ["service/smtp/env/A", "\x02", "service/smtp/env/A: has a control character: this is no text"],
  ] as const)
    assert.deepEqual(faults({ [file]: text }), [fault]);
  const bob = { "users/passwd": "bob:*:1:1::mail/bob:\n", "control/recipients": "bob\n" };
  const advice = "there is no mailbox mail/bob; acceptutils init makes it";
  assert.deepEqual(faults(bob), [`control/recipients:1:1: ${advice}`], "he could not be added again");
  const notOne = "should be a folder: move it away, and acceptutils init makes it";
  for (const [file, text] of [
    ["mail/alice", `mail/alice is a file, and ${notOne}`],
    ["mail/alice/Maildir", `mail/alice/Maildir is a file, and ${notOne}`],
  ] as const)
    assert.deepEqual(
      faults({ "mail/alice/Maildir/new/x": null, [file]: "", "control/recipients": "alice\n" }),
      [`control/recipients:1:1: ${text}`],
    );
  const many = faults({ "users/passwd": garbage });
  assert.equal(many.length, 6);
  assert.match(many[5]!, /^users\/passwd: and \d+ more lines like these$/);
});

test("a folder that is missing, or a file, is one line, and not one for each file in it", () => {
  for (const name of ["control", "users", "mail", "service"]) {
    const home = join(folder, String(homes));
    assert.deepEqual(faults({}), []);
    rmSync(join(home, name), { recursive: true });
    const told = () => faultsIn(home, "/usr/bin:/bin").map((fault) => formatFault("", fault));
    assert.deepEqual(told(), [`${name}: is missing; acceptutils init makes what is missing`]);
    writeFileSync(join(home, name), "");
    assert.match(told().join("\n"), new RegExp(`^${name}: is a file, and should be a folder: .*$`));
  }
});
