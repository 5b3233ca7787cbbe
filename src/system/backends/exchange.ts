/** One question to a server, and its answer: a connection of its own, and an end to patience. */
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { Unable } from "../../auth/backend.ts";

export interface Exchange<Answer> {
  /** What it is, for the log. */
  readonly server: string;
  readonly seconds: number;
  /** Where to; or how. */
  readonly to: NetConnectOpts | (() => Socket);
  /** Sent at once; wiped when it was. */
  readonly request: Uint8Array;
  /** Looks at all that has come; undefined: there must be more. */
  answer(bytes: Buffer): Answer | undefined;
}

/** No answer is longer. */
const maximumOctets = 1 << 17;

/** Throws Unable. */
export async function exchange<Answer>(one: Exchange<Answer>): Promise<Answer> {
  const { server, seconds, to, request } = one;
  return new Promise((resolve, reject) => {
    const socket = typeof to === "function" ? to() : connect(to);
    let bytes = Buffer.alloc(0);
    const settle = (done: () => void) => {
      clearTimeout(late);
      request.fill(0);
      socket.destroy();
      done();
    };
    const fail = (why: string, cause?: Error) =>
      settle(() => reject(new Unable(`${server}: ${why}`, { cause })));
    const late = setTimeout(() => fail(`no answer within ${seconds} seconds`), seconds * 1000);
    socket.on("error", (error) => fail(error.message, error));
    socket.on("close", () => fail("it closed the connection without an answer"));
    socket.on("data", (chunk: Buffer) => {
      bytes = bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([bytes, chunk]);
      try {
        const answer = one.answer(bytes);
        if (answer !== undefined) settle(() => resolve(answer));
        else if (bytes.length > maximumOctets) fail("its answer has no end");
      } catch (error) {
        settle(() => reject(error as Error));
      }
    });
    socket.write(request);
  });
}
