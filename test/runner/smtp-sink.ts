/** A mail host of somebody else: takes messages, or refuses recipients that begin with a reply's code. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";

export class SmtpSink {
  readonly messages: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => {
      let input = "";
      let inData = false;
      socket.on("error", () => {});
      socket.write("220 sink ESMTP\r\n");
      socket.setEncoding("latin1").on("data", (text: string) => {
        input += text;
        for (;;) {
          const end = inData ? input.indexOf("\r\n.\r\n") : input.indexOf("\r\n");
          if (end < 0) return;
          const line = input.slice(0, end);
          input = input.slice(end + (inData ? 5 : 2));
          if (inData) this.messages.push(line);
          socket.write(inData ? "250 taken\r\n" : answer(line));
          inData = !inData && /^DATA/i.test(line);
        }
      });
    });
  }

  static async open(): Promise<SmtpSink> {
    const sink = new SmtpSink();
    sink.#server.listen(0, "127.0.0.1");
    await once(sink.#server, "listening");
    return sink;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }
}

function answer(line: string): string {
  if (/^EHLO/i.test(line)) return "250-sink\r\n250 8BITMIME\r\n";
  if (/^DATA/i.test(line)) return "354 go ahead\r\n";
  const code = /^RCPT TO:<([45]\d\d)/i.exec(line)?.[1];
  return code === undefined ? "250 ok\r\n" : `${code} not this one\r\n`;
}
