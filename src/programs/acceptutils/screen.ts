/** What `acceptutils up` shows once everything answers: where, who, and two commands to try it with. */
import { join } from "node:path";
import type { HomeFacts } from "../../system/home/facts.ts";
import { reachable } from "../../system/home/ports.ts";
import { quoted } from "../../system/launchers.ts";

export interface Shown {
  readonly facts: HomeFacts;
  /** What is after the @. */
  readonly host: string;
  readonly users: readonly string[];
  /** Those that were made just now. */
  readonly passwords: readonly { readonly name: string; readonly password: string }[];
  /** The file the log goes to, when it is one. */
  readonly log: string | undefined;
  readonly asRoot: boolean;
  readonly bold: boolean;
}

const purposes: ReadonlyMap<string, string> = new Map([
  ["smtp", "mail from the world"],
  ["submission", "mail from our users"],
  ["submissions", "mail from our users"],
  ["pop3", "mail for our users"],
  ["pop3s", "mail for our users"],
]);

/** Whether who reads a terminal wants bold letters, and it can show them. Source: no-color.org */
export const wantsBold = (env: { get(name: string): string | undefined }) =>
  !env.get("NO_COLOR") && env.get("TERM") !== "dumb";

/** The lines of the screen, at most 24 in the usual case. */
export function screen(shown: Shown): string[] {
  const { facts, host, passwords, asRoot, log } = shown;
  const strong = (text: string) => (shown.bold ? `\x1b[1m${text}\x1b[22m` : text);
  const listening = facts.services.flatMap(({ name, listener }) => {
    if (listener === undefined) return [];
    const tls = listener.tls === "implicit" ? "TLS" : name.startsWith("pop3") ? "STLS" : "STARTTLS";
    const at = `${listener.host} port ${listener.port}`.padEnd(22);
    return [`  ${name.padEnd(12)} ${at} ${tls.padEnd(9)} ${purposes.get(name) ?? ""}`.trimEnd()];
  });
  return [
    `${strong(host)} is up, from ${facts.home}`,
    "",
    ...listening,
    "",
    ...passwords.map(({ name, password }) => `  ${strong(name.padEnd(12))} password ${strong(password)}`),
    ...(passwords.length > 0 ? ["  shown this once: they are kept nowhere", ""] : []),
    ...commands(shown),
    ...(asRoot ? [] : ["Without root, all its parts run as one user: no walls between them.", ""]),
    log === undefined ? "Ctrl-C stops it." : `Ctrl-C stops it. Its log: ${log}`,
  ];
}

/** A message from one user to another, and back out of the mailbox. */
function commands({ facts, host, users, passwords }: Shown): string[] {
  const [from, to = from] = users;
  const at = (name: string) => facts.services.find((service) => service.name === name)?.listener;
  const [submission, pop3] = [at("submission"), at("pop3")];
  if (from === undefined || to === undefined || submission === undefined || pop3 === undefined) return [];
  const passwordOf = (name: string) => passwords.find((made) => made.name === name)?.password;
  const password = passwordOf(from);
  const login = [to, passwordOf(to)].filter((word) => word !== undefined).join(":");
  const certificate = quoted(join(facts.home, "control", "servercert.pem"));
  return [
    `A message from ${from} to ${to}, and ${to}'s mail:`,
    "",
    `  swaks --server ${urlHost(submission.host)}:${submission.port} --tls --auth-user ${from}${password === undefined ? "" : ` --auth-password ${password}`} --from ${from}@${host} --to ${to}@${host}`,
    `  curl --silent --show-error --cacert ${certificate} --ssl-reqd --user ${login} pop3://${urlHost(pop3.host)}:${pop3.port}/1`,
    "",
  ];
}

function urlHost(host: string): string {
  const name = reachable(host);
  return name.includes(":") ? `[${name}]` : name;
}
