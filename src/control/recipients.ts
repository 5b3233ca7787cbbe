/**
 * control/recipients: the local names that get mail, one a line: `name`, or `name:other-name` for mail that goes to
 * the mailbox of another. Ours; without the file every local name is taken, as qmail-smtpd does.
 */
import { domainOf } from "../protocol/smtp/address.ts";
import { lowerCase, type Reader, readLineOrMe, readList, setOf } from "./control.ts";

/**
 * The mailbox of each local name, both in lower case; undefined when there is no such file.
 * Throws CannotOpen.
 */
export async function readRecipients(reader: Reader): Promise<ReadonlyMap<string, string> | undefined> {
  const lines = await readList(reader, "recipients");
  if (lines === undefined) return undefined;
  let mailboxes = maps.get(lines);
  if (mailboxes === undefined) {
    mailboxes = new Map(
      lines.map((line) => {
        const [name = "", mailbox = name] = lowerCase(line).split(":", 2);
        return [name, mailbox];
      }),
    );
    maps.set(lines, mailboxes);
  }
  return mailboxes;
}

const maps = new WeakMap<readonly string[], ReadonlyMap<string, string>>();

/**
 * Whether somebody is there for an address: its domain is not in control/locals (else control/me), or its local part
 * is in control/recipients. An address without domain is local. Throws CannotOpen.
 */
export async function readKnownMailboxes(reader: Reader): Promise<(address: string) => boolean> {
  const mailboxes = await readRecipients(reader);
  if (mailboxes === undefined) return () => true;
  const me = await readLineOrMe(reader, "me");
  const locals = setOf((await readList(reader, "locals")) ?? (me === undefined ? [] : [me]));
  return (address) => {
    const domain = domainOf(address);
    const name = domain === undefined ? address : address.slice(0, -domain.length - 1);
    return (domain !== undefined && !locals.has(domain)) || mailboxes.has(lowerCase(name));
  };
}
