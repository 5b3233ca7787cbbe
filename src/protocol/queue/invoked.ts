/** The trace field that qmail-queue puts in front of every message. Source: qmail's qmail-queue.c. */
import { rfc5322Date } from "../smtp/date.ts";

/** Who handed the message to qmail-queue. */
export type Invoker = "network" | "alias" | "bounce" | { readonly uid: number };

/** `Received: (qmail PID invoked …); DATE` and LF. `pid` is decimal digits. */
export function invokedLine(pid: string, invoker: Invoker, now: number): string {
  return `Received: (qmail ${pid} invoked ${words(invoker)}); ${rfc5322Date(now)}\n`;
}

function words(invoker: Invoker): string {
  switch (invoker) {
    case "network":
      return "from network";
    case "alias":
      return "by alias";
    case "bounce":
      return "for bounce";
    default:
      return `by uid ${invoker.uid}`;
  }
}

/** The uids of qmail's own accounts, as far as they are known here. */
export interface ServiceUids {
  readonly qmaild?: number | undefined;
  readonly alias?: number | undefined;
  readonly qmails?: number | undefined;
}

/**
 * Who it was, by uid. Where all accounts share one uid, only a session that was not authenticated counts as the
 * network.
 */
export function invokerOf(uid: number, authenticated: boolean, service: ServiceUids): Invoker {
  if (uid === service.qmaild && !authenticated) return "network";
  if (uid === service.qmaild) return { uid };
  if (uid === service.alias) return "alias";
  return uid === service.qmails ? "bounce" : { uid };
}
