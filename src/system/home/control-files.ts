/** The control files of a new home folder. Each setting is described in qmail-control(5) and the page of its program. */
import { rules } from "./fixsmtpio-rules.ts";

/** What the files depend on. */
export interface Naming {
  /** The name the service greets with; what is after the @ of its users' addresses. */
  readonly host: string;
}

/** By name under control/; the files that are made by asking a program, and the certificate, are not among them. */
export function controlFiles({ host }: Naming): ReadonlyMap<string, string> {
  const defaultDomain = withoutFirstLabel(host);
  return new Map([
    ["me", `${host}\n`],
    ["defaultdomain", `${defaultDomain}\n`],
    ["plusdomain", `${withoutFirstLabel(defaultDomain)}\n`],
    ["idhost", `${host}\n`],
    ["locals", `${host}\nlocalhost\n`],
    ["rcpthosts", `${host}\nlocalhost\n`],
    ["pop3capabilities", "TOP\nUIDL\n"],
    ["fixsmtpio", rules],
    ["smtpfilters", "qmail-qfilter-addtlsheader\n"],
    ["ofmipfilters", "qmail-qfilter-addtlsheader\n"],
    ["databytes", "52428800\n"],
  ]);
}

/** control/recipients: who gets mail here. RFC 5321 §4.5.1 wants a postmaster. */
export function recipients(users: readonly string[]): string {
  const postmaster = users[0] === undefined ? [] : [`postmaster:${users[0]}`];
  return [...users, ...postmaster].map((line) => line + "\n").join("");
}

/** As qmail's config-fast does: mail.example.org is in example.org, and example.org in itself. */
function withoutFirstLabel(host: string): string {
  const labels = host.split(".");
  return labels.length > 2 ? labels.slice(1).join(".") : host;
}

/**
 * A name for this machine that has a dot, since ofmipd completes names without one.
 * Anything that is no host name becomes one.
 */
export function hostNameFrom(name: string): string {
  const host = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/^[.-]+|[.-]+$/g, "");
  if (!isHostName(host)) return "localhost.localdomain";
  return host.includes(".") ? host : `${host}.localdomain`;
}

/** RFC 1123 §2.1, in lower case. */
export function isHostName(name: string): boolean {
  return (
    name.length <= 253 &&
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(name)
  );
}
