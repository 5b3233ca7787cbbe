/** A message of exactly `octets`, as it goes over the wire after DATA: header, lines of 72, and the dot that ends it. */
export function messageOf(octets: number): Buffer {
  const header = [
    "From: Alice <alice@bench.example>",
    "To: Bob <bob@bench.example>",
    "Subject: a message like any other",
    "Date: Mon, 02 Mar 2026 10:00:00 +0000",
    "Message-ID: <bench@bench.example>",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "",
  ].join("\r\n");
  const line = `${"The quick brown fox jumps over the lazy dog, twice. ".repeat(2).slice(0, 70)}\r\n`;
  const body = line.repeat(Math.ceil(octets / line.length));
  const content = (header + body).slice(0, Math.max(header.length, octets - 2)).replace(/[\r\n]$/, "x");
  return Buffer.from(`${content}\r\n.\r\n`, "latin1");
}
