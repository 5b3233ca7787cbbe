/**
 * The auth process: it alone reads the user database. It sees one question at a time, a user's name and a secret,
 * and answers the front with an exit code or, by way of the master, with a ticket for that user's worker.
 */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { setTimeout as sleepMs } from "node:timers/promises";
import { usualAuthenticator } from "../../auth/authenticator.ts";
import { verifyFields } from "../../control/verify-fields.ts";
import { readFileCached } from "../files.ts";
import { CannotOpen } from "../system.ts";
import { Channel, type Received } from "./channel.ts";
import type { Service } from "./service.ts";

const temporary = 111;

export function authWorker(master: Channel): void {
  const services = new Map<number, Service>();
  const authenticator = usualAuthenticator(availableParallelism(), (seconds) => sleepMs(seconds * 1000));

  master.onMessage = ({ head, descriptors }) => {
    if (head.kind === "service") {
      const service = head["service"] as Service;
      services.set(service.id, service);
    } else if (head.kind === "peer") {
      const front = new Channel({ stream: descriptors[0]!, packets: descriptors[1]! });
      front.onMessage = (message) => {
        answer(message)
          .catch((error) => ({
            code: temporary,
            why: error instanceof CannotOpen ? error.message : String(error),
          }))
          .then((facts) => front.reply(message, facts))
          .finally(() => message.body.fill(0));
      };
    }
  };

  async function answer({ head, body }: Received): Promise<Record<string, unknown>> {
    const service = services.get(Number(head["service"]));
    if (head.kind !== "verify" || service === undefined) return { code: temporary };
    const home = service.env["ACCEPTUTILS_HOME"] ?? "/var/qmail";
    const reader = {
      home: () => home,
      readFile: async (path: string) => readFileCached(resolve(home, path)),
    };
    const client = String(head["client"] ?? "");
    const verdict = await verifyFields(reader, body, (user, secret) =>
      authenticator.answer(reader, { client, user, secret }),
    );
    if (typeof verdict === "number") return { code: verdict };
    const admitted = await master.ask({ kind: "admit", service: service.id, account: verdict });
    return admitted === undefined ? { code: temporary } : { ...admitted.head };
  }
}
