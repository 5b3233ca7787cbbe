/**
 * UCSPI-TLS for a program that is a process of its own: it gets a control socket and a pair of descriptors, and
 * says with one byte on the control socket that TLS is to start. ucspi-tls(2)
 */
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { commandOf } from "../../protocol/ucspi-tls/block.ts";
import { unknownCommand } from "../../protocol/ucspi-tls/s6-tls-log.ts";
import { duplicateFrom, socketPair } from "../native.ts";
import type { Input } from "../system.ts";
import type { Channel } from "./channel.ts";
import type { LentTls } from "./foreign-child.ts";

export interface Lender {
  readonly service: number;
  readonly seconds: number;
  /** The client's name, for its certificate. */
  readonly host: string | undefined;
  tls(): Channel | undefined;
  /** The handshake was done, or why not. */
  accepted(protocol: string, cipher: string): void;
  refused(why: string): void;
}

/** Descriptors for the program; what it asks on them goes to the TLS process with the client's connection. */
export function lendTls(client: Input, lender: Lender): LentTls {
  const [control, controlTheirs] = socketPair();
  const [inside, insideTheirs] = socketPair();
  const theirs = { control: controlTheirs, read: duplicateFrom(insideTheirs, 10), write: insideTheirs };
  let given = false;
  const command = new Socket({ fd: control, readable: true, writable: true, allowHalfOpen: true });
  const forget = () => {
    command.destroy();
    if (!given) closeSync(inside);
    given = true;
  };
  command.on("error", forget);
  command.on("end", forget);
  command.once("data", (bytes: Buffer) => {
    const tls = lender.tls();
    const { fd } = client;
    const asked = commandOf(bytes);
    if (asked === undefined || tls === undefined || fd === undefined) {
      lender.refused(asked === undefined ? unknownCommand : "the TLS process is away");
      forget();
      return;
    }
    given = true;
    const reply = duplicateFrom((command as unknown as { _handle: { fd: number } })._handle.fd, 10);
    command.destroy();
    const connection = duplicateFrom(fd, 10);
    client.close();
    const { service, seconds, host } = lender;
    const head = { kind: "handshake", service, seconds, host, silent: asked === "start" };
    void tls.ask(head, undefined, [connection, inside, reply]).then((answer) => {
      if (answer?.head["secured"] === true)
        lender.accepted(String(answer.head["protocol"]), String(answer.head["cipher"]));
      else
        lender.refused(`unable to accept SSL: ${String(answer?.head["why"] ?? "the TLS process is away")}`);
    });
  });
  return {
    ...theirs,
    /** The program has its own copies now. */
    started: () => {
      for (const fd of [theirs.control, theirs.read, theirs.write]) closeSync(fd);
    },
  };
}
