/** The facts of a service, from its command line and the environment. sslserver(8), ENVIRONMENT */
import { readdirSync, realpathSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { networkBits } from "../../protocol/ucspi/address.ts";
import { takeTlsLevel } from "../../protocol/ucspi-tls/level.ts";
import type { ClientFiles, Service } from "../../system/resident/service.ts";
import { tlsAccountOf } from "../../system/resident/unprivileged.ts";
import type { System } from "../../system/system.ts";
import { tlsInChain } from "../s6-tlsd-io/in-chain.ts";
import { identityInChain } from "./identity-in-chain.ts";
import type { Dialect, Options } from "./options.ts";

/** At once, unless -c says otherwise: a session in a worker costs a little memory, as processes one costs a lot. */
const usualSessions = 1000;
const usualProcesses = 40;

/** More would have more open files than the one who accepts for all of them. */
const mostFronts = 8;

const wantsTls = (env: ReadonlyMap<string, string>) => takeTlsLevel(new Map(env)) !== "unavailable";

/** Throws when the environment says what cannot be. */
export function serviceOf(options: Options, { server }: Dialect, system: System): Service {
  const { env } = system;
  const id = (name: string) => {
    const text = env.get(name);
    return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
  };
  const withTls = server === "sslserver";
  const certFile = withTls ? env.get("CERTCHAINFILE") || env.get("CERTFILE") || undefined : undefined;
  const { idsFromEnvironment, delayed } = options;
  const native = options.native || env.get("ACCEPTUTILS_HOST") === "native";
  // Processes do for themselves what must be known before where all is in a worker.
  const named = native ? undefined : identityInChain(options.argv, system);
  const uid = idsFromEnvironment ? id("UID") : options.uid;
  const gid = idsFromEnvironment ? id("GID") : options.gid;
  // A server without TLS of its own may have a program in its chain that offers it.
  const chain = withTls || native ? undefined : tlsInChain(options.argv, env);
  const limit = options.limit ?? (native ? usualProcesses : usualSessions);
  return {
    id: 0,
    server: server === "s6-tcpserver" ? "s6-tcpserverd" : server,
    host: options.host,
    port: 0,
    argv: named?.argv ?? options.argv,
    native,
    env: Object.fromEntries([...(chain?.env ?? env)].filter(([name]) => !named?.unset?.includes(name))),
    cwd: system.cwd(),
    // A script that turns TLS off for want of a certificate is to serve all the same.
    tls: !withTls
      ? chain === undefined
        ? "none"
        : "offered"
      : !delayed
        ? "at once"
        : certFile === undefined && !wantsTls(env)
          ? "none"
          : "delayed",
    offer: chain?.offer,
    handshakeSeconds: chain?.handshakeSeconds ?? options.handshakeSeconds,
    idleSeconds: options.idleSeconds,
    limit,
    fronts: native ? 1 : Math.min(limit, mostFronts, options.fronts ?? frontsOf(env)),
    backlog: options.backlog,
    verbosity: options.verbosity,
    tcpEnvironment: options.tcpEnvironment,
    tlsEnvironment: options.tlsEnvironment,
    localHost: options.localHost,
    lookUpRemote: options.lookUpRemote,
    paranoid: options.paranoid,
    identSeconds: options.ident ? options.identSeconds : undefined,
    rules: options.rules === undefined ? undefined : { file: options.rules, optional: options.rulesOptional },
    limitPerAddress: options.limitPerAddress,
    proxies: proxiesOf(env),
    noDelay: options.noDelay,
    banner: options.banner,
    uid: named?.uid ?? uid,
    gid: named?.gid ?? gid,
    groups: named?.groups ?? (idsFromEnvironment ? idsOf(env.get("GIDLIST")) : options.groups),
    certificate:
      certFile === undefined
        ? chain && { ...chain.certificate, ...tlsAccountOf(chain.certificate, system.home()) }
        : {
            certFile,
            keyFile: env.get("KEYFILE") || certFile,
            names: namedPairs(env),
            ciphers: env.get("CIPHERS") || undefined,
            dhFile: env.get("DHFILE") || undefined,
            clients: clientsOf(options, env),
            uid: id("SSL_UID"),
            gid: id("SSL_GID"),
            chroot: env.get("SSL_CHROOT") || undefined,
          },
  };
}

/**
 * ACCEPTUTILS_FRONTS, else one for two CPUs: the other one is busy with what a session asks of other processes. A front
 * more is a process more, and another that accepts.
 */
function frontsOf(env: ReadonlyMap<string, string>): number {
  const text = env.get("ACCEPTUTILS_FRONTS") ?? "";
  if (text === "") return Math.max(1, Math.floor(availableParallelism() / 2));
  if (!/^[1-9][0-9]?$/.test(text)) throw new Error(`ACCEPTUTILS_FRONTS: "${text}" is not a number from 1 on`);
  return Number(text);
}

/** Numbers with commas between them; undefined when there are none. */
const idsOf = (text: string | undefined) =>
  text !== undefined && /^\d+(,\d+)*$/.test(text) ? text.split(",").map(Number) : undefined;

/** ACCEPTUTILS_PROXIES: networks, separated by blanks, from which the PROXY protocol is spoken. */
function proxiesOf(env: ReadonlyMap<string, string>): readonly string[] {
  const words = (env.get("ACCEPTUTILS_PROXIES") ?? "").split(/\s+/).filter((word) => word !== "");
  return words.map((word) => {
    const bits = networkBits(word);
    if (bits === undefined) throw new Error(`ACCEPTUTILS_PROXIES: "${word}" is no network`);
    return bits;
  });
}

/**
 * The pairs for clients that ask for a name (SNI): CERTFILE:name and KEYFILE:name, as s6-tlsd has them; and, since
 * shells drop variables with such names, ACCEPTUTILS_CERTFILES, words name=certfile or name=certfile,keyfile.
 */
function namedPairs(env: ReadonlyMap<string, string>) {
  const words = (env.get("ACCEPTUTILS_CERTFILES") ?? "").split(/\s+/).filter((word) => word !== "");
  const listed = words.map((word) => {
    const [, name, certFile, keyFile] = /^([^=,]+)=([^=,]+)(?:,([^=,]+))?$/.exec(word) ?? [];
    if (name === undefined || certFile === undefined)
      throw new Error(`ACCEPTUTILS_CERTFILES: "${word}" is not name=certfile or name=certfile,keyfile`);
    return { name, certFile, keyFile: keyFile ?? certFile };
  });
  const single = [...env]
    .filter(([variable, certFile]) => variable.startsWith("CERTFILE:") && certFile !== "")
    .map(([variable, certFile]) => {
      const name = variable.slice("CERTFILE:".length);
      return { name, certFile, keyFile: env.get(`KEYFILE:${name}`) || certFile };
    });
  return [...listed, ...single];
}

/** Which client certificates will do. Throws when one is required and nobody is believed. */
function clientsOf({ clients: want }: Options, env: ReadonlyMap<string, string>): ClientFiles | undefined {
  const named = env.get("CCAFILE") ?? "";
  const files = named === "" && want !== "asked" ? authorities(env) : [named];
  if (files.length === 0 || named === "-" || files[0] === "") {
    if (want === "asked") return undefined;
    throw new Error(
      "unable to load CA list: CCAFILE is not set, which says whose client certificates are believed",
    );
  }
  const depth = /^\d{1,2}$/.exec(env.get("VERIFYDEPTH") ?? "")?.[0] ?? "1";
  return { want, files, depth: Number(depth) };
}

/** CAFILE, and all files in CADIR. Throws when that folder cannot be read. */
function authorities(env: ReadonlyMap<string, string>): readonly string[] {
  const file = env.get("CAFILE") ?? "";
  const folder = env.get("CADIR") ?? "";
  if (folder === "") return file === "" ? [] : [file];
  // Such a folder has each certificate under its own name and, as a link, under its hash.
  const there = readdirSync(folder).map((name) => realpathSync(join(folder, name)));
  return [...(file === "" ? [] : [file]), ...new Set(there)].filter((path) => statSync(path).isFile());
}
