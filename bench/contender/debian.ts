/**
 * Servers from Debian's packages, as bench/setup has unpacked them: each runs in a mount namespace where its packages
 * lie over the machine's /usr, and its own configuration, users, spool and state over /etc, /var and /run. The machine
 * keeps its own. mount_namespaces(7), overlayfs
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { selfSigned } from "../../src/system/home/certificate.ts";
import { type Contender, type Place, type Running, user } from "./contender.ts";
import { freePorts, has } from "./serve.ts";

const installed = join(import.meta.dirname, "..", "peers", "installed");

/** Why a server of these packages cannot be measured. */
function missingDebian(...names: readonly string[]): string | undefined {
  const absent = names.filter((name) => !existsSync(join(installed, name)));
  if (absent.length > 0) return `${absent.join(", ")} not installed: bench/setup`;
  if (process.getuid?.() !== 0) return "needs root";
  return has("unshare") ? undefined : "needs unshare";
}

interface Packaged extends Pick<Contender, "name" | "promise" | "quick"> {
  readonly kind?: "peer" | "proxy";
  /** What bench/setup unpacks, by the names of its folders. */
  readonly packages: readonly string[];
  /** Why it cannot be measured although all of them are there. */
  missing?(): string | undefined;
  /** Starts it in a place that is laid out, with ports that are free. */
  start(place: Place, ports: readonly number[]): Promise<Running>;
}

/** Ports enough for any of them. */
const portsEach = 5;

/** A server of Debian's. */
export const packaged = ({ kind = "peer", packages, missing, start, ...named }: Packaged): Contender => ({
  ...named,
  kind,
  missing: () => missingDebian(...packages) ?? missing?.(),
  start: async (place) => {
    const ports = await freePorts(portsEach);
    layOut(place);
    return start(place, ports);
  },
});

/** Users that a package would have made. Numbers that no account has. */
const accounts = ["postfix", "opensmtpd", "opensmtpq", "Debian-exim", "dovecot", "dovenull", "courier"];
const groups = [...accounts, "postdrop"];
const firstNumber = 64_200;
export const userNumber = firstNumber + 100;

/** Lays out `etc`, `var` and `run` in the server's folder, with its users and a certificate of the usual kind. */
export function layOut({ folder }: Place): void {
  for (const part of ["etc/ssl", "var/spool", "var/lib", "var/log", "var/cache", "run", "home"]) {
    mkdirSync(join(folder, part), { recursive: true, mode: 0o755 });
  }
  const users = [
    ...accounts.map(
      (name, at) => `${name}:x:${firstNumber + at}:${firstNumber + at}::/nonexistent:/bin/false`,
    ),
    `${user}:x:${userNumber}:${userNumber}::${join(folder, "home", user)}:/bin/false`,
    `bob:x:${userNumber + 1}:${userNumber}::${join(folder, "home", "bob")}:/bin/false`,
  ];
  const lines = [...groups.map((name, at) => `${name}:x:${firstNumber + at}:`), `${user}:x:${userNumber}:`];
  write(folder, "etc/passwd", `${readFileSync("/etc/passwd", "latin1")}${users.join("\n")}\n`);
  write(folder, "etc/group", `${readFileSync("/etc/group", "latin1")}${lines.join("\n")}\n`);
  // Who the client is would be asked of name servers, and answers take their time.
  write(folder, "etc/hosts", "127.0.0.1 localhost client.example mail.bench.example bench.example\n");
  write(folder, "etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  const pem = selfSigned({ names: ["mail.bench.example"], now: new Date() });
  write(folder, "etc/ssl/both.pem", pem, 0o600);
  const certificate = pem.indexOf("-----BEGIN CERTIFICATE");
  write(folder, "etc/ssl/key.pem", pem.slice(0, certificate), 0o600);
  write(folder, "etc/ssl/cert.pem", pem.slice(certificate), 0o644);
}

/** Writes a file of the server's, and the folders above it. */
export function write(folder: string, path: string, text: string, mode = 0o644): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
}

/** Copies what a package brings as its state: `var/spool/NAME`, say. */
export function bring(folder: string, name: string, path: string): void {
  const from = join(installed, name, path);
  if (existsSync(from)) cpSync(from, join(folder, path), { recursive: true });
}

const script = `
mount -t overlay overlay -o "lowerdir=$usr:/usr" /usr &&
mkdir -p "$folder/work" &&
mount -t overlay overlay -o "lowerdir=$etc:/etc,upperdir=$folder/etc,workdir=$folder/work" /etc &&
for part in var/spool var/lib var/log var/cache run; do mount --bind "$folder/$part" "/$part" || exit 1; done
unset usr etc folder
ulimit -n 8192
exec "$@"`;

/** The words that run `argv` where the packages of these names are installed. */
export function withPackages(place: Place, names: readonly string[], argv: readonly string[]): string[] {
  const [command = "", ...words] = inNamespace(place, names, ["ldconfig"]);
  spawnSync(command, words); // where libraries are: whoever starts programs all the time would look for them each time
  return inNamespace(place, names, argv);
}

function inNamespace(place: Place, names: readonly string[], argv: readonly string[]): string[] {
  const layers = (part: string) => names.map((name) => join(installed, name, part)).filter(existsSync);
  const empty = join(place.folder, "empty");
  mkdirSync(empty, { recursive: true });
  return [
    "env",
    `usr=${layers("usr").join(":")}`,
    `etc=${layers("etc").join(":") || empty}`,
    `folder=${place.folder}`,
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "/bin/sh",
    "-c",
    script,
    "sh",
    ...argv,
  ];
}
