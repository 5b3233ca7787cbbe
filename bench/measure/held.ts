/** Sessions that come and stay, for the figures of memory. */
import type { Door } from "../contender/contender.ts";
import { auth, ehlo, logIn, startTls } from "../figures.ts";
import type { Step } from "../load/plan.ts";
import { type Served, startLoad, toldBy } from "./sample.ts";

export interface Held {
  readonly name: string;
  readonly says: string;
  readonly door: Door;
  readonly tls: boolean;
  steps(server: Served): readonly Step[];
}

const greeted: readonly Step[] = [{ expect: "220" }, ehlo];

export const heldFigures: readonly Held[] = [
  { name: "11", says: "idle sessions in clear", door: "smtp", tls: false, steps: () => greeted },
  {
    name: "11 tls",
    says: "idle sessions in TLS",
    door: "smtp",
    tls: true,
    steps: () => [...greeted, ...startTls],
  },
  {
    name: "11 login",
    says: "idle sessions in clear, POP3 after the login",
    door: "pop3 clear",
    tls: false,
    steps: (server) => [{ expect: "+OK" }, ...logIn(server)],
  },
  {
    name: "11 auth",
    says: "idle sessions in TLS, after AUTH",
    door: "submission",
    tls: true,
    steps: (server) => [...greeted, ...startTls, auth(server)],
  },
];

/** Opens so many sessions, calls `look` while they wait, and ends them. Throws Failed. */
export async function whileHeld<Result>(
  { door, steps }: Held,
  server: Served,
  sessions: number,
  look: () => Promise<Result> | Result,
): Promise<Result> {
  const held = startLoad({
    host: "127.0.0.1",
    port: server.doors.get(door)!,
    implicitTls: false,
    steps: steps(server),
    messageOctets: 0,
    clients: sessions,
    seconds: 60,
    hold: true,
  });
  await held.lines.next();
  const result = await look();
  held.child.stdin.end("\n");
  await toldBy(held);
  return result;
}
