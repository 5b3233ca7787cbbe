/** Accepts connections and runs the rest of its command line for each; sslserver with TLS when it is asked for. */
import { networkBits } from "../../protocol/ucspi/address.ts";
import { takeTlsLevel } from "../../protocol/ucspi-tls/level.ts";
import { dieAs, listen, listenOn } from "../../system/listen.ts";
import { serve } from "../../system/resident/serve.ts";
import type { CertificateFiles, Service } from "../../system/resident/service.ts";
import { tlsAccountOf } from "../../system/resident/unprivileged.ts";
import type { Input, Program, System } from "../../system/system.ts";
import { takeActivated, takeNotifier } from "../../system/systemd.ts";
import { tlsInChain } from "../s6-tlsd-io/in-chain.ts";
import { identityInChain } from "./identity-in-chain.ts";
import { type Dialect, Misused, type Options, parseOptions, sslserver } from "./options.ts";

export const exit = { misused: 100, temporary: 111 };

/** Serves until SIGTERM. Resolves to the exit code: 100 misused, 111 cannot serve, 0 after SIGTERM. */
export const serverOf =
  (dialect: Dialect): Program =>
  async (words, system) => {
    const { server, usage } = dialect;
    let options: Options;
    try {
      options = parseOptions(words, dialect);
    } catch (error) {
      if (!(error instanceof Misused)) throw error;
      if (error.message !== "") system.log(`${server}: ${error.message}`);
      system.log(usage);
      return exit.misused;
    }
    try {
      const activated = takeActivated(system.env, process.pid);
      const notify = takeNotifier(system.env);
      const service = serviceOf(options, dialect, system);
      const password = options.keyPassword ? await passwordOn(system.input(3)) : undefined;
      const listening =
        activated === undefined
          ? await listen({ ...options, family: familyOf(options) })
          : await listenOn(activated);
      const ready = async () => {
        notify("READY=1");
        if (!options.printPort) return;
        await system.output(1).write(Buffer.from(`${listening.port}\n`));
        system.output(1).close();
      };
      return await serve({ ...service, port: listening.port }, { ...listening, password, ready }, system);
    } catch (error) {
      system.log(`${server}: fatal: ${dieAs(error)}`);
      return exit.temporary;
    }
  };

/** sslserver(8) */
export const main = serverOf(sslserver);

const familyOf = ({ four, six }: Options): 4 | 6 | undefined => (four === six ? undefined : four ? 4 : 6);

const wantsTls = (env: ReadonlyMap<string, string>) => takeTlsLevel(new Map(env)) !== "unavailable";

/** The facts of the service, from the command line and the environment. */
function serviceOf(options: Options, { server }: Dialect, system: System): Service {
  const { env } = system;
  const id = (name: string) => {
    const text = env.get(name);
    return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
  };
  const withTls = server === "sslserver";
  const certFile = withTls ? env.get("CERTCHAINFILE") || env.get("CERTFILE") || undefined : undefined;
  const { idsFromEnvironment, delayed } = options;
  const named = identityInChain(options.argv, system);
  const uid = idsFromEnvironment ? id("UID") : options.uid;
  const gid = idsFromEnvironment ? id("GID") : options.gid;
  // A server without TLS of its own may have a program in its chain that offers it.
  const chain = withTls ? undefined : tlsInChain(options.argv, env);
  return {
    id: 0,
    server: server === "s6-tcpserver" ? "s6-tcpserverd" : server,
    host: options.host,
    port: 0,
    argv: named?.argv ?? options.argv,
    env: Object.fromEntries(chain?.env ?? env),
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
    limit: options.limit,
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
    groups: idsFromEnvironment ? idsOf(env.get("GIDLIST")) : options.groups,
    certificate:
      certFile === undefined
        ? chain && { ...chain.certificate, ...tlsAccountOf(chain.certificate, system.home()) }
        : {
            certFile,
            keyFile: env.get("KEYFILE") || certFile,
            names: namedPairs(env),
            ciphers: env.get("CIPHERS") || undefined,
            clients: clientsOf(options, env),
            uid: id("SSL_UID"),
            gid: id("SSL_GID"),
            chroot: env.get("SSL_CHROOT") || undefined,
          },
  };
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
function clientsOf(
  { clients: want }: Options,
  env: ReadonlyMap<string, string>,
): CertificateFiles["clients"] {
  const named = env.get("CCAFILE") ?? "";
  const file = named === "" && want !== "asked" ? (env.get("CAFILE") ?? "") : named;
  if (file === "" || file === "-") {
    if (want === "asked") return undefined;
    throw new Error(
      "unable to load CA list: CCAFILE is not set, which says whose client certificates are believed",
    );
  }
  const depth = /^\d{1,2}$/.exec(env.get("VERIFYDEPTH") ?? "")?.[0] ?? "1";
  return { want, files: [file], depth: Number(depth) };
}

/** The password of the keys: all octets up to a NUL or the end. */
async function passwordOn(input: Input): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await input.read();
    if (chunk !== null) chunks.push(chunk);
    if (chunk !== null && !chunk.includes(0)) continue;
    input.close();
    const all = Buffer.concat(chunks);
    for (const part of chunks) part.fill(0);
    const end = all.indexOf(0);
    return end < 0 ? all : all.subarray(0, end);
  }
}
