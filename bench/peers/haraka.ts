import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  type Contender,
  domain,
  host,
  type Place,
  password,
  type Running,
  receiving,
  user,
} from "../contender/contender.ts";
import { layOut, write } from "../contender/debian.ts";
import { freePorts, serve } from "../contender/serve.ts";

const installed = join(import.meta.dirname, "node_modules", "haraka");

/** Haraka with the plugins that the work needs and no others; messages go to its queue of outgoing mail, which is off. */
export const haraka: Contender = {
  name: "Haraka",
  kind: "peer",
  compiles: true,
  promise: "on disk, a file and a flush for each, held",
  missing: () => (existsSync(installed) ? undefined : "not installed: bench/setup"),
  start,
};

/** Nobody is asked for the client's name, and every recipient is welcome. */
const plugin = `exports.hook_lookup_rdns = (next) => next(OK, "localhost");
exports.hook_rcpt = (next, connection) => { connection.relaying = true; next(OK); };
`;

async function start(place: Place): Promise<Running> {
  const [smtp = 0, submission = 0] = await freePorts(2);
  layOut(place);
  const { folder } = place;
  const files = {
    "config/me": `${host}\n`,
    "config/plugins": "tls\nauth/flat_file\nwelcome_all\n",
    "config/smtp.ini": `listen=127.0.0.1:${smtp},127.0.0.1:${submission}\nnodes=0\n[headers]\n`,
    "config/databytes": "100000000\n",
    "config/outbound.ini": "disabled=true\n",
    "config/tls.ini": `key=${folder}/etc/ssl/key.pem\ncert=${folder}/etc/ssl/cert.pem\necdhCurve=X25519\n`,
    "config/auth_flat_file.ini": `[core]\nmethods=PLAIN\nconstrain_sender=false\n[users]\n${user}=${password}\n`,
    "config/log.ini": "[main]\nlevel=ERROR\n",
    "config/host_list": `${domain}\n`,
    "plugins/welcome_all.js": plugin,
  };
  mkdirSync(join(folder, "haraka", "config"), { recursive: true });
  cpSync(join(installed, "config", "connection.ini"), join(folder, "haraka", "config", "connection.ini"));
  for (const [path, text] of Object.entries(files)) write(folder, `haraka/${path}`, text);
  mkdirSync(join(folder, "haraka", "queue"));
  const words = [process.execPath, join(installed, "bin", "haraka"), "-c", join(folder, "haraka")];
  await serve(place, words, [smtp, submission]);
  return receiving(smtp, submission);
}
