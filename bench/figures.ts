/** What is measured: one row a figure. Goals are microseconds of server CPU unless the unit says otherwise. */
import type { Door, Running } from "./contender/contender.ts";
import { messageOf } from "./load/message.ts";
import type { Step } from "./load/plan.ts";

/** How a figure is counted. */
export type Unit =
  /** Server CPU for one session, or one of the things it does. */
  | "µs CPU"
  | "ms CPU"
  /** Of one core: things per second of server CPU. */
  | "per CPU second"
  /** Sessions per second of the clock, not of CPU: one client knows no other way to wait. */
  | "per second";

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

export interface Figure {
  readonly name: string;
  readonly says: string;
  readonly door: Door;
  readonly unit: Unit;
  readonly goal: Goal;
  readonly messageOctets: number;
  readonly clients: number;
  /** Things in one session: messages, lines. */
  readonly each: number;
  /** 250s that promise something: flushes are counted for them. */
  readonly durable: boolean;
  readonly tls: boolean;
  /** Peers have nothing to set against it; the floors have. */
  readonly noPeers: boolean;
  /** Measured with --quick too. */
  readonly quick: boolean;
  steps(server: Running): readonly Step[];
}

const usualOctets = 4096;
const largeOctets = 10 * 1024 * 1024;
export const ehlo: Step = { send: "EHLO client.example\r\n", expect: "250" };
const quit: readonly Step[] = [{ send: "QUIT\r\n", expect: "221" }, { end: true }];
export const startTls: readonly Step[] = [{ send: "STARTTLS\r\n", expect: "220" }, { tls: true }, ehlo];

const transaction = ({ recipient }: Running): readonly Step[] => [
  { send: "MAIL FROM:<alice@bench.example>\r\n", expect: "250" },
  { send: `RCPT TO:<${recipient}>\r\n`, expect: "250" },
  { send: "DATA\r\n", expect: "354" },
  { message: true, expect: "250" },
];

export const auth = ({ user, password }: Running): Step => ({
  send: `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}\r\n`,
  expect: "235",
});

export const logIn = ({ user, password }: Running): readonly Step[] => [
  { send: `USER ${user}\r\n`, expect: "+OK" },
  { send: `PASS ${password}\r\n`, expect: "+OK" },
];

const repeat = <Item>(items: readonly Item[], times: number): readonly Item[] =>
  Array.from({ length: times }, () => items).flat();

const usual = {
  door: "smtp",
  unit: "µs CPU",
  messageOctets: usualOctets,
  clients: 50,
  each: 1,
  durable: true,
  tls: false,
  noPeers: false,
  quick: false,
} as const;

const noops = 2000;

export const figures: readonly Figure[] = [
  {
    ...usual,
    name: "1",
    quick: true,
    says: "incoming, clear, 1 message a session",
    goal: { atMost: 500 },
    steps: (server) => [{ expect: "220" }, ehlo, ...transaction(server), ...quit],
  },
  {
    ...usual,
    name: "2",
    says: "incoming, clear, 100 messages a session, each",
    goal: { atMost: 140 },
    each: 100,
    steps: (server) => [{ expect: "220" }, ehlo, ...repeat(transaction(server), 100), ...quit],
  },
  {
    ...usual,
    name: "3",
    quick: true,
    tls: true,
    says: "incoming, STARTTLS, 1 message a session",
    goal: { atMost: 1700 },
    steps: (server) => [{ expect: "220" }, ehlo, ...startTls, ...transaction(server), ...quit],
  },
  {
    ...usual,
    name: "4",
    quick: true,
    tls: true,
    says: "submission, STARTTLS, AUTH PLAIN, 1 message",
    door: "submission",
    goal: { atMost: 2000 },
    steps: (server) => [{ expect: "220" }, ehlo, ...startTls, auth(server), ...transaction(server), ...quit],
  },
  {
    ...usual,
    name: "5",
    quick: true,
    tls: true,
    says: "STARTTLS handshake and QUIT",
    goal: { atMost: 1250 },
    durable: false,
    steps: () => [{ expect: "220" }, ehlo, ...startTls, ...quit],
  },
  {
    ...usual,
    name: "hello",
    says: "EHLO in clear and QUIT",
    goal: { atMost: 200 },
    quick: true,
    durable: false,
    steps: () => [{ expect: "220" }, ehlo, ...quit],
  },
  {
    ...usual,
    name: "6",
    tls: true,
    says: "POP3, STLS, login, LIST, RETR 10 x 4 KiB",
    door: "pop3",
    goal: { atMost: 2500 },
    durable: false,
    steps: (server) => [
      { expect: "+OK" },
      { send: "STLS\r\n", expect: "+OK" },
      { tls: true },
      ...logIn(server),
      ...fetchAll(server),
    ],
  },
  {
    ...usual,
    name: "7",
    says: "POP3 in clear, the same",
    door: "pop3 clear",
    goal: { atMost: 900 },
    durable: false,
    steps: (server) => [{ expect: "+OK" }, ...logIn(server), ...fetchAll(server)],
  },
  {
    ...usual,
    name: "8",
    quick: true,
    says: "NOOP lines, pipelined, the program alone",
    door: "bare smtp",
    unit: "per CPU second",
    goal: { atLeast: 50_000 },
    clients: 4,
    each: noops,
    durable: false,
    steps: () => noopSteps,
  },
  {
    ...usual,
    name: "8 rules",
    noPeers: true,
    says: "NOOP lines, pipelined, through the published rules",
    unit: "per CPU second",
    goal: { atLeast: 35_000 },
    clients: 4,
    each: noops,
    durable: false,
    steps: () => noopSteps,
  },
  {
    ...usual,
    name: "9",
    quick: true,
    says: "DATA in clear, 10 MiB",
    unit: "ms CPU",
    goal: { atMost: 40 },
    messageOctets: largeOctets,
    clients: 2,
    steps: (server) => [{ expect: "220" }, ehlo, ...transaction(server), ...quit],
  },
  {
    ...usual,
    name: "10",
    tls: true,
    says: "STARTTLS, 10 MiB",
    unit: "ms CPU",
    goal: { atMost: 75 },
    messageOctets: largeOctets,
    clients: 2,
    steps: (server) => [{ expect: "220" }, ehlo, ...startTls, ...transaction(server), ...quit],
  },
  {
    ...usual,
    name: "12",
    says: "500 clients, clear, 1 message a session",
    goal: { atMost: 500 },
    clients: 500,
    steps: (server) => [{ expect: "220" }, ehlo, ...transaction(server), ...quit],
  },
  {
    ...usual,
    name: "latency",
    says: "one client, clear, 1 message a session",
    unit: "per second",
    goal: { atLeast: 1200 },
    clients: 1,
    steps: (server) => [{ expect: "220" }, ehlo, ...transaction(server), ...quit],
  },
  {
    ...usual,
    name: "latency tls",
    says: "one client, STARTTLS, 1 message a session",
    unit: "per second",
    goal: { atLeast: 400 },
    clients: 1,
    tls: true,
    steps: (server) => [{ expect: "220" }, ehlo, ...startTls, ...transaction(server), ...quit],
  },
];

const noopSteps: readonly Step[] = [
  { expect: "220" },
  ehlo,
  ...repeat<Step>([{ pipeline: "NOOP\r\n", times: 100, expect: "250" }], noops / 100),
  ...quit,
];

function fetchAll({ mailbox }: Running): readonly Step[] {
  const wire = messageOf(usualOctets).toString("latin1");
  const endsWith = wire.slice(-203, -3);
  return [
    // "1 4096" and the end of the line, at least; of a message all of it, after "+OK".
    { retrieve: "LIST\r\n", endsWith: "\r\n", octets: mailbox * "1 4096\r\n".length },
    ...Array.from({ length: mailbox }, (_, at) => ({
      retrieve: `RETR ${at + 1}\r\n`,
      endsWith,
      octets: "+OK\r\n".length + wire.length,
    })),
    { send: "QUIT\r\n", expect: "+OK" },
    { end: true },
  ];
}
