/** A DNS server for cases that bring records: `NAME/TYPE` to a text or an address, or to `<SERVFAIL>`. RFC 1035 §4. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

const types: ReadonlyMap<number, string> = new Map([
  [1, "A"],
  [12, "PTR"],
  [16, "TXT"],
  [28, "AAAA"],
]);
const serverFailure = 2;
const noSuchName = 3;

export interface DnsServer {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  close(): void;
}

export async function serveDns(records: Readonly<Record<string, string>>): Promise<DnsServer> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    socket.send(answerTo(query, records), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, close: () => socket.close() };
}

function answerTo(query: Buffer, records: Readonly<Record<string, string>>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const question = query.subarray(12, at + 5);
  const type = types.get(query.readUInt16BE(at + 1)) ?? "";
  const record = records[`${labels.join(".").toLowerCase()}/${type}`];
  if (record === undefined) return Buffer.concat([header(query, noSuchName, 0), question]);
  if (record === "<SERVFAIL>") return Buffer.concat([header(query, serverFailure, 0), question]);
  const data =
    type === "A"
      ? Buffer.from(record.split(".").map(Number))
      : type === "PTR"
        ? nameOf(record)
        : strings(record);
  const answer = Buffer.alloc(12);
  answer.writeUInt16BE(0xc00c, 0); // the name of the question
  query.copy(answer, 2, at + 1, at + 5);
  answer.writeUInt32BE(60, 6);
  answer.writeUInt16BE(data.length, 10);
  return Buffer.concat([header(query, 0, 1), question, answer, data]);
}

function header(query: Buffer, code: number, answers: number): Buffer {
  const bytes = Buffer.alloc(12);
  query.copy(bytes, 0, 0, 2);
  bytes.writeUInt16BE(0x8180 | code, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(answers, 6);
  return bytes;
}

function nameOf(name: string): Buffer {
  const labels = name.split(".").map((label) => String.fromCharCode(label.length) + label);
  return Buffer.from(`${labels.join("")}\0`, "latin1");
}

/** A TXT record is made of strings of up to 255 octets. */
function strings(text: string): Buffer {
  const pieces = text === "" ? [""] : (text.match(/[\s\S]{1,255}/g) ?? []);
  return Buffer.concat(
    pieces.map((piece) => Buffer.from(String.fromCharCode(piece.length) + piece, "latin1")),
  );
}
