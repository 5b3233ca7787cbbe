/** Gives one message to one host for one recipient, by SMTP. The conversation itself is nodemailer's. */
import { Readable } from "node:stream";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import { codeOf } from "./system.ts";

export interface Mail {
  readonly sender: string;
  readonly recipient: string;
  readonly sizeOctets: number;
  /** Lines end with LF. Called once for each try. */
  content(): AsyncIterable<Uint8Array>;
}

export interface Host {
  readonly host: string;
  readonly port: number;
  /** Who we say we are. */
  readonly helo: string;
  readonly connectSeconds: number;
  readonly silenceSeconds: number;
}

/** What the host said, and to what. */
export type Answer =
  | { readonly accepted: true; readonly reply: string }
  | {
      readonly accepted: false;
      /** `connect`: there was no conversation, and another host may do better. */
      readonly stage: "connect" | "sender" | "recipient" | "content";
      /** The reply's code; undefined when there was no reply. */
      readonly code: number | undefined;
      readonly reply: string;
    };

/** Tries once, with TLS where it is offered and works. Never throws. */
export async function giveTo(host: Host, mail: Mail): Promise<Answer> {
  const answer = await attempt(host, mail, { tls: true });
  // Opportunistic: a host whose TLS is broken gets the mail as if it had none. RFC 7435
  return answer === "no TLS" ? ((await attempt(host, mail, { tls: false })) as Answer) : answer;
}

async function attempt(at: Host, mail: Mail, { tls }: { tls: boolean }): Promise<Answer | "no TLS"> {
  const connection = new SMTPConnection({
    host: at.host,
    port: at.port,
    name: at.helo,
    secure: at.port === 465,
    ignoreTLS: !tls,
    opportunisticTLS: true,
    tls: { rejectUnauthorized: false, minVersion: "TLSv1.2" },
    connectionTimeout: at.connectSeconds * 1000,
    greetingTimeout: at.silenceSeconds * 1000,
    socketTimeout: at.silenceSeconds * 1000,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once("error", reject);
      connection.connect((error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    connection.close();
    if (tls && at.port !== 465 && codeOf(error) === "ETLS") return "no TLS";
    return refusal(error, "connect");
  }
  try {
    const envelope = { from: mail.sender, to: [mail.recipient], size: mail.sizeOctets, use8BitMime: true };
    const reply = await new Promise<string>((resolve, reject) => {
      connection.once("error", reject);
      connection.send(envelope, Readable.from(mail.content()), (error, info) =>
        error ? reject(error) : resolve(info?.response ?? ""),
      );
    });
    connection.quit();
    return { accepted: true, reply };
  } catch (error) {
    connection.close();
    return refusal(error, stageOf(error));
  }
}

const stages = new Map<string, "sender" | "recipient">([
  ["MAIL FROM", "sender"],
  ["RCPT TO", "recipient"],
]);

function stageOf(error: unknown): "sender" | "recipient" | "content" {
  const command = error instanceof Error && "command" in error ? String(error.command) : "";
  return stages.get(command) ?? "content";
}

function refusal(error: unknown, stage: "connect" | "sender" | "recipient" | "content"): Answer {
  const { responseCode, response, message } = error as {
    responseCode?: number;
    response?: string;
    message: string;
  };
  return { accepted: false, stage, code: responseCode, reply: response ?? message };
}
