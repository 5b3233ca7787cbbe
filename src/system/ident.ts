/** Who has a connection: a question to the machine of the client. RFC 1413 */
import { connect } from "node:net";
import type { Ends } from "../protocol/ucspi/environment.ts";
import { identQuestion, identUser } from "../protocol/ucspi/ident.ts";

const identPort = 113;
const identOctets = 1000;

/** What the client's ident server says; undefined when it says nothing in time. */
export function userOf(
  {
    remoteIp,
    remotePort,
    localIp,
    localPort,
  }: Pick<Ends, "remoteIp" | "remotePort" | "localIp" | "localPort">,
  seconds: number,
): Promise<string | undefined> {
  return new Promise((answered) => {
    const socket = connect({ host: remoteIp, port: identPort, localAddress: localIp });
    let text = "";
    const done = () => {
      clearTimeout(late);
      socket.destroy();
      answered(identUser(text));
    };
    const late = setTimeout(done, seconds * 1000);
    socket.setEncoding("latin1");
    socket.on("connect", () => socket.write(identQuestion(remotePort, localPort)));
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n") || text.length > identOctets) done();
    });
    socket.on("error", done).on("end", done);
  });
}
