import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { HomeFacts, ServiceFacts } from "../../system/home/facts.ts";
import { type Shown, screen, wantsBold } from "./screen.ts";

function service(name: string, host: string, port: number, tls: "starttls" | "implicit"): ServiceFacts {
  return { name, script: "", env: new Map(), listener: { host, port, tls } };
}

const facts: HomeFacts = {
  home: "/srv/bob's mail",
  installation: { node: "", bundle: "" },
  services: [
    { name: "queue", script: "", env: new Map(), listener: undefined },
    service("smtp", "0", 25, "starttls"),
    service("submission", "::1", 587, "starttls"),
    service("pop3", "0", 110, "starttls"),
    service("pop3s", "0", 995, "implicit"),
  ],
};
const shown: Shown = {
  facts,
  host: "mail.example.org",
  users: ["alice", "bob"],
  passwords: [
    { name: "alice", password: "aaaa" },
    { name: "bob", password: "bbbb" },
  ],
  log: "/srv/bob's mail/log",
  asRoot: true,
  bold: false,
};

test("what listens where, who can log in, and how to try it", () => {
  assert.deepEqual(screen(shown), [
    "mail.example.org is up, from /srv/bob's mail",
    "",
    "  smtp         0 port 25              STARTTLS  mail from the world",
    "  submission   ::1 port 587           STARTTLS  mail from our users",
    "  pop3         0 port 110             STLS      mail for our users",
    "  pop3s        0 port 995             TLS       mail for our users",
    "",
    "  alice        password aaaa",
    "  bob          password bbbb",
    "  shown this once: they are kept nowhere",
    "",
    "A message from alice to bob, and bob's mail:",
    "",
    "  swaks --server [::1]:587 --tls --auth-user alice --auth-password aaaa --from alice@mail.example.org --to bob@mail.example.org",
    "  curl --silent --show-error --cacert '/srv/bob'\\''s mail/control/servercert.pem' --ssl-reqd --user bob:bbbb pop3://127.0.0.1:110/1",
    "",
    "Ctrl-C stops it. Its log: /srv/bob's mail/log",
  ]);
});

test("the commands are for a shell as they stand", () => {
  for (const line of screen(shown).filter((text) => /^ {2}(swaks|curl) /.test(text))) {
    assert.equal(spawnSync("sh", ["-n"], { input: line }).status, 0, line);
  }
});

test("later, no password is known, and without root that is said", () => {
  const lines = screen({ ...shown, passwords: [], asRoot: false, log: undefined });
  assert.ok(!lines.some((line) => line.includes("password")), lines.join("\n"));
  assert.ok(lines.includes("Without root, all its parts run as one user: no walls between them."));
  assert.equal(lines.at(-1), "Ctrl-C stops it.");
});

test("one user has a mailbox, too, and a home without POP3 no command", () => {
  assert.ok(screen({ ...shown, users: ["alice"] }).some((line) => line.includes("--to alice@")));
  const services = facts.services.slice(0, 3);
  assert.ok(!screen({ ...shown, facts: { ...facts, services } }).some((line) => line.includes("curl")));
});

test("letters are bold unless the terminal cannot, or its owner does not want it", () => {
  for (const [env, bold] of [
    [{ TERM: "xterm" }, true],
    [{ TERM: "dumb" }, false],
    [{ TERM: "xterm", NO_COLOR: "1" }, false],
    [{ TERM: "xterm", NO_COLOR: "" }, true],
  ] as const) {
    assert.equal(wantsBold(new Map(Object.entries(env))), bold, JSON.stringify(env));
  }
});
