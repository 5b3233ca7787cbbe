/** What the environment says about keys, certificates and authorities, in s6-tlsd's words. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CertificateFiles } from "../../system/resident/service.ts";
import type { TlsOptions } from "./options.ts";

/** As many authorities may stand between a client and one of ours as will. */
const anyDepth = 100;

/** The variables that tell where keys are, and who may hold them. */
const secretPlace = /^(CADIR|CAFILE|TLS_UID|TLS_GID|(CERTFILE|KEYFILE)(:.*)?)$/s;

/** Takes them out of an environment (-z). */
export function forgetCertificate(env: Map<string, string>): void {
  for (const name of [...env.keys()]) if (secretPlace.test(name)) env.delete(name);
}

/** The files of the policy. Throws an Error that says what is missing. */
export function certificateOf(
  { sniLevel, clients, goodbyeWanted }: Pick<TlsOptions, "sniLevel" | "clients" | "goodbyeWanted">,
  env: ReadonlyMap<string, string>,
): CertificateFiles {
  const names = sniLevel > 0 ? namedPairs(env) : [];
  const pair = sniLevel < 2 ? usualPair(env) : names[0];
  if (pair === undefined) throw new Error("no CERTFILE:name is set, and -k 2 wants no other certificate");
  return {
    certFile: pair.certFile,
    keyFile: pair.keyFile,
    names,
    namesOnly: sniLevel >= 2,
    facts: "s6",
    goodbyeWanted,
    clients:
      clients === "unasked"
        ? undefined
        : { want: clients === "mandatory" ? "required" : "asked", files: authorities(env), depth: anyDepth },
    uid: idOf("TLS_UID", env),
    gid: idOf("TLS_GID", env),
  };
}

function usualPair(env: ReadonlyMap<string, string>): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [env.get("CERTFILE"), env.get("KEYFILE")];
  if (!keyFile) throw new Error("KEYFILE is not set: it names the file with the key");
  if (!certFile) throw new Error("CERTFILE is not set: it names the file with the certificate");
  return { certFile, keyFile };
}

/** CERTFILE:name with KEYFILE:name. */
function namedPairs(env: ReadonlyMap<string, string>) {
  return [...env].flatMap(([variable, keyFile]) => {
    if (!variable.startsWith("KEYFILE:") || keyFile === "") return [];
    const name = variable.slice("KEYFILE:".length);
    const certFile = env.get(`CERTFILE:${name}`);
    if (!certFile) throw new Error(`CERTFILE:${name} is not set, and KEYFILE:${name} is`);
    return [{ name, certFile, keyFile }];
  });
}

/** The files whose certificates a client's may be signed with: all of CADIR, else CAFILE. */
function authorities(env: ReadonlyMap<string, string>): readonly string[] {
  const [folder, file] = [env.get("CADIR"), env.get("CAFILE")];
  if (folder) {
    const paths = readdirSync(folder).map((name) => join(folder, name));
    return paths.filter((path) => statSync(path).isFile());
  }
  if (!file) throw new Error("neither CADIR nor CAFILE is set: whose client certificates are believed?");
  return [file];
}

function idOf(name: string, env: ReadonlyMap<string, string>): number | undefined {
  const text = env.get(name);
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,10}$/.test(text)) throw new Error(`${name} is no number: "${text}"`);
  return Number(text);
}
