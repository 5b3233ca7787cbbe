/** The cases of full-chain.json: three services whole. What is compared of their logs is put in the recording's words. */
import type { Case } from "./case.ts";

/** A case of full-chain.json. */
export interface ChainCase extends Omit<Case, "argv" | "env" | "program"> {
  readonly service: {
    readonly listener_argv: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly chain: readonly string[];
  };
  readonly accounts?: Readonly<Record<string, string>>;
  readonly log: readonly string[];
  readonly delivered_to_alice?: readonly string[];
  readonly maildir?: Readonly<Record<string, string>>;
  readonly maildir_after?: Readonly<Record<string, string>>;
}

/** What the recording says of a case, in the form that perform() gives. */
export function recorded(played: ChainCase): Case {
  const { service, log, delivered_to_alice, maildir_after } = played;
  const messages = (delivered_to_alice ?? []).map((text, at) => [`message ${at + 1}`, text]);
  return {
    ...played,
    program: "sslserver",
    argv: service.chain,
    env: service.env,
    exit: 0,
    stderr: sortedLines([...log]),
    files_after: maildir_after ?? Object.fromEntries(messages),
  };
}

/** The log in the words of the recording: its port, numbers as placeholders, lines in an order of their own. */
export function logOf(log: string, port: number, { service }: ChainCase): string {
  const recordedPort = service.listener_argv.find((word) => /^\d{5}$/.test(word)) ?? "";
  const lines = log
    .replaceAll(`127.0.0.1:${port} `, `127.0.0.1:${recordedPort} `)
    .replace(/((?::127\.0\.0\.1::|127\.0\.0\.1_))\d+/g, "$1<PORT>")
    .replace(/\b(pid|ok|ssl|end|authup|checkpassword) \d+/g, "$1 <PID>")
    .replace(/^(\S+:.* session) pid=.*$/gm, "$1 <FACTS>")
    .split("\n")
    .filter((line) => line !== "");
  return sortedLines(lines);
}

/** Each TLS library has words of its own for what was wrong with a handshake. */
const inWords = (line: string) =>
  line.replace(
    /(unable to accept SSL|the TLS engine closed the connection during the handshake): .*/,
    "unable to accept SSL: <WHY>",
  );

const sortedLines = (lines: string[]) => `${lines.map(inWords).sort().join("\n")}\n`;
