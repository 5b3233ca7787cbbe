/**
 * `checkpassword` as an auth front runs it: the three fields go to the auth process as one question. When the
 * password was right, the connection goes to the worker of that user, which runs the words after checkpassword.
 */
import { acceptedLine } from "../../protocol/checkpassword/accepted-line.ts";
import { isBackend } from "../backends/table.ts";
import { lookUp } from "../lookup.ts";
import { duplicateFrom } from "../native.ts";
import { type Input, Killed, type Program } from "../system.ts";
import type { Channel } from "./channel.ts";
import { saidOf } from "./login-environment.ts";
import { checkpasswordOf, type Service } from "./service.ts";
import type { UserWorkers } from "./user-workers.ts";

/** checkpassword takes 512 octets; one more is enough to know that there are too many. */
const fieldsOctets = 513;
const temporary = 111;

export function askAuth(service: Service, auth: () => Channel | undefined, users: UserWorkers): Program {
  return async (_args, system) => {
    const fields = await readFields(system.input(3));
    try {
      const client = system.env.get("TCPREMOTEIP") ?? "";
      const head = { kind: "verify", service: service.id, client, env: saidOf(system.env) };
      const { fd } = system.input(0);
      const foreign = isForeign(system.cwd(), service);
      // Someone else's may want to say something to the client by itself.
      const connection = foreign && fd !== undefined ? [duplicateFrom(fd, 3)] : [];
      const answer = await auth()?.ask(head, fields, connection);
      if (answer === undefined) {
        system.log("checkpassword: the auth process is away");
        return temporary;
      }
      const { worker, ticket, code, signal, why, said } = answer.head;
      for (const line of said as readonly string[]) system.log(line);
      if (typeof worker !== "number" || typeof ticket !== "string") {
        if (typeof why === "string") system.log(`${system.name}: ${why}`);
        if (typeof signal === "string") throw new Killed(signal);
        return Number(code);
      }
      if (!foreign)
        system.log(
          acceptedLine(system.pid, Buffer.from(fields.subarray(0, fields.indexOf(0))).toString("latin1")),
        );
      const ended = await users.run(worker, ticket, system);
      if ("signal" in ended) throw new Killed(ended.signal);
      return ended.code;
    } finally {
      fields.fill(0);
    }
  };
}

/** True for a checkpassword that is not ours; also for one that cannot be found, of which the auth process says why. */
function isForeign(cwd: string, service: Service): boolean {
  try {
    const { ours } = lookUp(checkpasswordOf(service).argv[0] ?? "", service.env["PATH"], cwd);
    return ours === undefined || !isBackend(ours);
  } catch {
    return true;
  }
}

async function readFields(input: Input): Promise<Buffer> {
  const fields = Buffer.alloc(fieldsOctets);
  let filled = 0;
  for (;;) {
    const chunk = await input.read();
    if (chunk === null) return fields.subarray(0, filled);
    fields.set(chunk.subarray(0, fieldsOctets - filled), filled);
    filled = Math.min(fieldsOctets, filled + chunk.length);
    chunk.fill(0);
  }
}
