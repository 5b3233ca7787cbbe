/** control/badmailfrom: senders, or `@domains` of senders, whose mail is refused. qmail-smtpd(8). */
import { domainOf } from "../protocol/smtp/address.ts";
import { type Reader, readList, setOf } from "./control.ts";

/** Whether mail from an address is refused; letters of either case alike. Throws CannotOpen. */
export async function readBadMailFrom(reader: Reader): Promise<(address: string) => boolean> {
  const lines = await readList(reader, "badmailfrom");
  if (lines === undefined || lines.length === 0) return () => false;
  const bad = setOf(lines);
  return (address) => {
    const domain = domainOf(address);
    return bad.has(address) || (domain !== undefined && bad.has(`@${domain}`));
  };
}
