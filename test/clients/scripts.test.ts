/** What runs is the published chain: run scripts that sh executes, and control files as the page has them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "./command.ts";
import { type Service, startService } from "./service.ts";
import { Client } from "./smtp-client.ts";

let service: Service;

before(async () => {
  service = await startService({
    // Something that only a shell understands, in the script and not in a setting.
    prepare: (home) => {
      const script = join(home, "service", "smtp", "run");
      return [
        script,
        readFileSync(script, "utf8").replace("exec 2>&1\n", 'exec 2>&1\necho "run by $0 at $((6 * 7))"\n'),
      ];
    },
  });
});
after(() => service?.stop());

const script = (name: string) => readFileSync(join(service.home, "service", name, "run"), "utf8");
/** The words after the port: the chain. */
const chain = (name: string) =>
  / \d+ (.*)$/.exec(script(name).replaceAll("\\\n", " ").replace(/ +/g, " ").trim())?.[1]?.trim();

test("the run scripts are executed by sh", async () => {
  assert.match(service.log(), /run by \S*run at 42$/m);
});

test("the run scripts have the published chains", () => {
  assert.match(script("smtp"), /^#!\/bin\/sh\n/);
  assert.match(chain("smtp") ?? "", /^(rblsmtpd .*)?fixsmtpio qmail-smtpd$/);
  assert.equal(chain("submission"), "authup smtp checkpassword checknotroot fixsmtpio ofmipd");
  assert.equal(chain("pop3"), "authup pop3 checkpassword checknotroot qmail-pop3d Maildir");
});

test("control/fixsmtpio has the page's rules", () => {
  const published = (
    JSON.parse(readFileSync(join(import.meta.dirname, "..", "golden", "fixsmtpio.json"), "utf8")) as {
      control: Record<string, string>;
    }[]
  ).map(({ control }) => rulesOf(control["fixsmtpio"] ?? ""));
  const ours = rulesOf(readFileSync(join(service.home, "control", "fixsmtpio"), "utf8"));
  assert.ok(
    published.some((rules) => rules.length > 10 && rules.join("\n") === ours.join("\n")),
    ours.join("\n"),
  );
});

const rulesOf = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("control/smtpcapabilities is what ofmipd says of itself", async () => {
  const { out } = await run([join(service.home, "bin", "ofmipd")], {
    input: "EHLO x\r\nQUIT\r\n",
    env: { ACCEPTUTILS_HOME: service.home },
  });
  const said = [...out.matchAll(/^250[- ](.*)\r$/gm)].slice(1).map(([, capability]) => capability);
  const kept = readFileSync(join(service.home, "control", "smtpcapabilities"), "latin1")
    .trim()
    .split("\n");
  assert.deepEqual(kept.sort(), said.sort());
});

test("every service greets", async () => {
  for (const name of ["smtp", "submission", "pop3"] as const) {
    const client = await Client.open(service.port(name));
    assert.match(await client.hear(), /^220 |^\+OK /);
    assert.match(await client.say("QUIT"), /^221 |^\+OK/);
    client.close();
  }
});
