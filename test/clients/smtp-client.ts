/** A small SMTP and POP3 client, for what no installed client says: the wrong things, and thousands of the right ones. */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export const silenceSeconds = 20;

export class Client {
  #socket: Socket;
  #heard = "";
  #wake: () => void = () => {};
  #over = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async open(port: number): Promise<Client> {
    const socket = connect({ port, host: "127.0.0.1" });
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new Client(socket);
  }

  #listen(): void {
    this.#over = false;
    this.#socket.on("data", (chunk: Buffer) => {
      this.#heard += chunk.toString("latin1");
      this.#wake();
    });
    for (const event of ["end", "error", "close"]) {
      this.#socket.on(event, () => {
        this.#over = true;
        this.#wake();
      });
    }
  }

  /** Says a line and returns the reply to it: all lines of an SMTP reply, one of POP3 (or to the lone dot). */
  async say(line: string, { toTheDot = false } = {}): Promise<string> {
    this.#socket.write(Buffer.from(`${line}\r\n`, "latin1"));
    return this.hear(toTheDot ? /^-ERR[^\n]*\n|^\+OK[^\n]*\n(?:[\s\S]*?\n)?\.\r\n/ : undefined);
  }

  /** The next reply. Throws when the server says nothing more. */
  async hear(whole = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n|^[+-][^\n]*\n/): Promise<string> {
    const deadline = performance.now() + silenceSeconds * 1000;
    for (;;) {
      const reply = whole.exec(this.#heard)?.[0];
      if (reply !== undefined) {
        this.#heard = this.#heard.slice(reply.length);
        return reply;
      }
      if (this.#over) throw new Error(`the server hung up; it said "${this.#heard}"`);
      if (performance.now() > deadline) throw new Error("the server is silent");
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The handshake, after the server's go-ahead or from the start. Returns protocol and cipher. */
  async secure(ca: string, servername: string): Promise<{ protocol: string; cipher: string }> {
    const clear = this.#socket;
    clear.removeAllListeners();
    const inside = connectTls({ socket: clear, ca, servername });
    await new Promise((resolve, reject) => inside.once("secureConnect", resolve).once("error", reject));
    this.#socket = inside;
    this.#listen();
    return { protocol: inside.getProtocol() ?? "", cipher: inside.getCipher().standardName };
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** What AUTH PLAIN carries. */
export const plain = (user: string, password: string) =>
  Buffer.from(`\0${user}\0${password}`, "latin1").toString("base64");
