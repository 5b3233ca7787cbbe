/**
 * control/certificateusers: whom a client's certificate stands for, a user and one name of the certificate on each line.
 *
 *     alice  email:alice@example.org
 *     alice  subject:CN=Alice,O=Example
 *     bob    sha256:9f86d081884c7d65…
 */
import { readList } from "./control.ts";
import type { UsersReader } from "./users.ts";

/** A line taken apart; undefined when it is none. Text is latin1. */
export function parseCertificateUser(line: string): { user: string; name: string } | undefined {
  const [, user = "", kind = "", value = ""] =
    /^([^ \t]+)[ \t]+(sha256|subject|email):([^ \t].*?)[ \t\r]*$/.exec(line) ?? [];
  if (user === "") return undefined;
  if (kind === "sha256") {
    const digits = value.replaceAll(":", "").toLowerCase();
    return /^[0-9a-f]{64}$/.test(digits) ? { user, name: `sha256:${digits}` } : undefined;
  }
  return { user, name: `${kind}:${value}` };
}

/** The users of a certificate with these names, in the order of the file. Throws CannotOpen. */
export async function usersOfCertificate(
  { home, readFile }: UsersReader,
  names: readonly string[],
): Promise<readonly string[]> {
  const reader = { readFile: (path: string) => readFile(`${home()}/${path}`) };
  const lines = (await readList(reader, "certificateusers")) ?? [];
  return lines.flatMap((line) => {
    const entry = parseCertificateUser(line);
    return entry !== undefined && names.includes(entry.name) ? [entry.user] : [];
  });
}
