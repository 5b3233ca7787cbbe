/** authup with our own checkpassword behind it, in the resident host, and a client that talks with it line by line. */
import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { formatHash, unmatchable } from "../src/control/password-hash.ts";
import { newScramKey } from "../src/control/scram-verifiers.ts";
import { formatVerifier } from "../src/control/stored-password.ts";
import { formatUser } from "../src/control/users.ts";
import { main as authup } from "../src/programs/authup/main.ts";
import { main as checkpassword } from "../src/programs/checkpassword/main.ts";
import { Secret } from "../src/protocol/checkpassword/secret.ts";
import { scramVerifier } from "../src/protocol/sasl/scram.ts";
import { selfSigned } from "../src/system/home/certificate.ts";
import { launcherText } from "../src/system/launchers.ts";
import { Pipe } from "../src/system/pipe.ts";
import { runResident } from "../src/system/resident-host.ts";
import type { Ended, Program } from "../src/system/system.ts";
import { cheapHash } from "./backends/hashes.ts";

const home = mkdtempSync(join(tmpdir(), "authup-client."));
after(() => rmSync(home, { recursive: true, force: true }));

export type Protocol = "smtp" | "pop3";

export const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
/** Of alice. */
export const password = "pencil";
const hash = formatHash(unmatchable({ memoryKibibytes: 64, passes: 1, lanes: 1 })); // at the price of a test
const verifier = await scramVerifier(new Secret(Buffer.from(password)), Buffer.alloc(16, 1), 4096);
const self = {
  uid: process.getuid!() || 1000,
  gid: process.getgid!() || 1000,
  gecos: "",
  home: "",
  shell: "",
};
const root = { ...self, uid: 0 };

/** A certificate that control/certificateusers has for alice, bob and root. */
export const pem = selfSigned({ names: ["alice.example"], now: new Date() }).replace(
  /-----BEGIN (?:EC )?PRIVATE KEY-----[\s\S]*?-----END (?:EC )?PRIVATE KEY-----\n/,
  "",
);
const fingerprint = `sha256:${new X509Certificate(pem).fingerprint256}`;

for (const [file, text] of Object.entries({
  "control/me": "mx.example\n",
  "control/smtpcapabilities": "8BITMIME\n",
  "control/pop3capabilities": "UIDL\n",
  "control/authmechanisms":
    "SCRAM-SHA-256-PLUS\nSCRAM-SHA-256\nPLAIN\nLOGIN\nNONSENSE\nCRAM-MD5\nAPOP\nEXTERNAL\nOAUTHBEARER\nXOAUTH2\n",
  "control/certificateusers": `# comment\nalice subject:CN=alice.example\nbob ${fingerprint}\nbob subject:CN=alice.example\nroot ${fingerprint}\n`,
  "control/oauth": `issuer https://id.example\naudience mx.example\nkeys ${join(home, "jwks.json")}\n`,
  "jwks.json": '{"keys":[]}',
  "users/clear": "bob:x\nalice:pen:cil\nroot:pencil\n",
  "users/scramkey": newScramKey(),
  "users/passwd": [
    formatUser({ name: "alice", hash: `${cheapHash(password)};${formatVerifier(verifier)}`, ...self }),
    formatUser({ name: "bob", hash, ...self }), // from before there were verifiers
    formatUser({ name: "root", hash: `${hash};${formatVerifier(verifier)}`, ...root }),
    formatUser({ name: "locked", hash: "*", ...self }),
    "",
  ].join("\n"),
  ...Object.fromEntries(
    ["authup", "checkpassword", "serve"].map((name) => [
      `.path/${name}`,
      launcherText(name, { node: "/bin/false", bundle: "none" }),
    ]),
  ),
})) {
  mkdirSync(dirname(join(home, file)), { recursive: true });
  writeFileSync(join(home, file), text, { mode: 0o755 });
}

/** Says who was let in. */
const serve: Program = async (_words, system) => {
  // What can be bound to was for authup alone.
  const facts = [...system.env.keys()].filter((name) => name.startsWith("SSL_TLS"));
  await system
    .output(1)
    .write(Buffer.from(`welcome ${[system.env.get("AUTHUP_USER"), ...facts].join(" ")}\r\n`));
  return 0;
};
const programs: Readonly<Record<string, Program>> = {
  authup,
  serve,
  // Whom it becomes is another test's: this one may be run by anybody.
  checkpassword: (words, system) => checkpassword(words, Object.assign(system, { become: () => {} })),
};

/** A client that sends a line and waits for the line that answers it. */
export class Client {
  readonly #to = new Pipe();
  readonly #from = new Pipe();
  readonly ended: Promise<Ended>;
  readonly log: string[] = [];
  #heard = "";

  constructor(protocol: Protocol, env: Record<string, string> = {}) {
    this.ended = runResident(["authup", "-t", "3", protocol, "checkpassword", "serve"], {
      programs: async (name) => programs[name],
      env: new Map(Object.entries({ PATH: join(home, ".path"), ACCEPTUTILS_HOME: home, ...env })),
      cwd: home,
      input: this.#to.reader,
      output: this.#from,
      log: (line) => this.log.push(line),
    });
    void this.ended.then(() => this.#from.close());
  }

  async hear(): Promise<string> {
    for (;;) {
      const end = this.#heard.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#heard.slice(0, end);
        this.#heard = this.#heard.slice(end + 2);
        return line;
      }
      const chunk = await this.#from.read(10);
      if (chunk === null) return "(end)";
      this.#heard += Buffer.from(chunk).toString("latin1");
    }
  }

  async say(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.hear();
  }

  write(text: string): void {
    void this.#to.write(Buffer.from(text, "latin1"));
  }

  end(): void {
    this.#to.close();
  }
}

/** A client that has heard the greeting. */
export async function greeted(protocol: Protocol, env?: Record<string, string>): Promise<Client> {
  const client = new Client(protocol, env);
  await client.hear();
  return client;
}

/** What is said of a wrong password, and of what is none. */
export const failed = {
  smtp: "535 authup authorization failed (#5.7.0)",
  pop3: "-ERR [AUTH] authup authorization failed",
} as const;
export const malformed = {
  smtp: "501 authup malformed auth input (#5.5.4)",
  pop3: "-ERR authup malformed auth input",
} as const;
