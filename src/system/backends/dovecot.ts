/** Dovecot's auth process, by its sockets. checkpassword-dovecot(8) */
import { randomBytes } from "node:crypto";
import { type Backend, type Question, Unable } from "../../auth/backend.ts";
import { type DovecotSettings, dovecotSettings } from "../../control/checkpassword-dovecot.ts";
import { Secret } from "../../protocol/checkpassword/secret.ts";
import { LineCutter } from "../../protocol/dovecot-auth/line.ts";
import {
  answerIn,
  type DovecotAnswer,
  formatLogin,
  formatLookUp,
} from "../../protocol/dovecot-auth/question.ts";
import type { Account } from "../system.ts";
import { exchange } from "./exchange.ts";
import { accountWith, protocolOf, type Surroundings, settingsFor } from "./surroundings.ts";

export function open(around: Surroundings): Backend {
  return {
    remote: true,
    async verify(question, check) {
      const settings = await settingsFor(around, "checkpassword-dovecot", dovecotSettings);
      let account: Account | undefined;
      const right = await check(async () => {
        const said = await login(settings, question, around);
        if (said.is === "wrong") return false;
        account = await accountFor(said, settings, question);
        // Right, and not to be let in: it must take the time of a wrong password, which Dovecot keeps back for a while.
        if (account === undefined) await login(settings, { ...question, secret: neverRight() }, around);
        return account !== undefined;
      });
      return right && question.secret.length > 0 ? account : undefined;
    },
  };
}

/** Numbers that say which question is whose: no two connections of a process may have the same. */
let lastNumber = 0;
function nextNumber(): number {
  lastNumber = (lastNumber + 1) % 1000;
  return (process.pid % 2_000_000) * 1000 + lastNumber;
}

/** Throws Unable. */
async function login(
  { socket, timeout }: DovecotSettings,
  question: Question,
  { alone }: Surroundings,
): Promise<Extract<DovecotAnswer, { is: "right" | "wrong" }>> {
  const { user, secret, client } = question;
  // Where nobody of ours remembers who failed, Dovecot may.
  const asked = { user, secret, protocol: protocolOf(question), client, noPenalty: !alone };
  const said = await ask(socket, timeout, formatLogin(nextNumber(), asked));
  if (said.is === "right" || said.is === "wrong") return said;
  throw unable(socket, said);
}

const neverRight = () => new Secret(randomBytes(16));

/** Undefined for a user who is not to come in. Throws Unable. */
async function accountFor(
  { parameters, locked }: Extract<DovecotAnswer, { is: "right" }>,
  settings: DovecotSettings,
  question: Question,
): Promise<Account | undefined> {
  if (locked) return undefined;
  // Dovecot may know the user by another name.
  const name = parameters.get("user") || question.user;
  const found =
    settings.userdb === undefined
      ? new Map<string, string>()
      : await lookUp(name, protocolOf(question), settings);
  if (found === undefined) return undefined;
  const [uid, gid, home] = ["uid", "gid", "home"].map((key) => found.get(key));
  return accountWith({ user: name, uid, gid, home }, settings);
}

async function lookUp(user: string, protocol: string, { userdb = "", timeout }: DovecotSettings) {
  const said = await ask(userdb, timeout, formatLookUp(user, protocol));
  if (said.is === "found") return said.parameters;
  if (said.is === "notFound") return undefined;
  throw unable(userdb, said);
}

const unable = (socket: string, said: DovecotAnswer) =>
  new Unable(`${socket}: ${said.is === "unable" ? said.why : "it answers another question"}`);

function ask(path: string, seconds: number, request: Uint8Array): Promise<DovecotAnswer> {
  const cutter = new LineCutter();
  let seen = 0;
  return exchange<DovecotAnswer>({
    server: path,
    seconds,
    to: { path },
    request,
    answer: (bytes) => {
      const lines = cutter.push(bytes.subarray(seen));
      seen = bytes.length;
      if (lines === undefined) return { is: "unable", why: "a line of it has no end" };
      for (const line of lines) {
        const said = answerIn(line);
        if (said !== undefined) return said;
      }
      return undefined;
    },
  });
}
