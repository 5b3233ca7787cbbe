/**
 * qmail-local: writes messages into Maildirs, as the user they belong to. Jobs come on descriptor 0 and reports go to
 * descriptor 1, in frames (protocol/queue). It is kept for many messages, and for all that came together there is
 * one flush of each folder. qmail-local(8)
 */
import { join } from "node:path";
import { FrameReader, frameBytes, kind } from "../../protocol/queue/frames.ts";
import { parseLocalJob, type Report, reportBytes } from "../../protocol/queue/job.ts";
import { flushTogether, MaildirDelivery, makeMaildir, syncNew } from "../../system/maildir.ts";
import { Closed, codeOf, type System } from "../../system/system.ts";

const texts = {
  success: "did 1+0+0\n",
  noHome: "Unable to switch to $HOME: file does not exist. (#4.3.0)\n",
  noMaildir: "Unable to chdir to maildir. (#4.2.1)\n",
  full: "Maildir is full or over quota. (#4.2.2)\n",
  trouble: "Temporary error on maildir delivery. (#4.3.0)\n",
} as const;

/** Does jobs until descriptor 0 ends. Returns 0, or 100 when what comes is no job. */
export async function main(_args: readonly string[], system: System): Promise<number> {
  const desk = new Desk(system);
  const reader = new FrameReader();
  const input = system.input(0);
  for (;;) {
    const chunk = await input.read();
    if (chunk === null) return 0;
    try {
      for (const { kind: what, id, payload } of reader.push(chunk)) desk.take(what, id, payload);
    } catch (error) {
      system.log(`qmail-local: ${(error as Error).message}`);
      return 100;
    }
    const reports = desk.finish();
    try {
      if (reports.length > 0) await system.output(1).write(Buffer.concat(reports));
    } catch (error) {
      if (error instanceof Closed) return 0; // qmail-send was killed: the next one asks again
      throw error;
    }
  }
}

/** The deliveries under way. */
class Desk {
  readonly #system: System;
  readonly #open = new Map<number, MaildirDelivery>();
  #complete: [number, MaildirDelivery][] = [];
  #reports: Uint8Array[] = [];
  /** Delivered, and still recognisable: until the queue says that it knows. */
  readonly #done = new Map<number, MaildirDelivery>();

  constructor(system: System) {
    this.#system = system;
  }

  take(what: number, id: number, payload: Uint8Array): void {
    switch (what) {
      case kind.job:
        this.#start(id, payload);
        break;
      case kind.content:
        this.#try(id, (delivery) => delivery.write(payload));
        break;
      case kind.end: {
        const delivery = this.#open.get(id);
        if (delivery !== undefined) this.#complete.push([id, delivery]);
        break;
      }
      case kind.abort:
        this.#open.get(id)?.discard();
        this.#open.delete(id);
        break;
      case kind.forget:
        this.#forget(id);
        break;
    }
  }

  /** Carries out what is complete. The reports are true whatever happens after. */
  finish(): Uint8Array[] {
    const complete = this.#complete.filter(([id]) => this.#open.has(id));
    for (const maildir of new Set(complete.map(([, { maildir }]) => maildir))) {
      const here = complete.filter(([, delivery]) => delivery.maildir === maildir);
      try {
        flushTogether(here.map(([, delivery]) => delivery));
      } catch (error) {
        for (const [id] of here) this.#failed(id, error);
      }
    }
    // What failed is not among the open ones any more.
    for (const [id] of this.#complete) this.#try(id, (delivery) => delivery.publish());
    const published = this.#complete.filter(([id]) => this.#open.has(id));
    for (const maildir of new Set(published.map(([, { maildir }]) => maildir))) {
      const here = published.filter(([, delivery]) => delivery.maildir === maildir);
      try {
        syncNew(maildir);
        for (const [id, delivery] of here) this.#delivered(id, delivery);
      } catch (error) {
        for (const [id] of here) {
          this.#open.delete(id); // it is there, and the next try is to find it
          this.#failed(id, error);
        }
      }
    }
    this.#complete = [];
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  #start(id: number, payload: Uint8Array): void {
    const job = parseLocalJob(payload);
    if (job === undefined) throw new TypeError("not a job");
    try {
      const maildir = join(job.home, "Maildir");
      makeMaildir(maildir);
      const delivery = new MaildirDelivery(maildir, job.file);
      if (job.again && delivery.isDelivered()) {
        syncNew(maildir);
        this.#delivered(id, delivery);
      } else {
        // The content stays in the chunk it came in; what is incomplete at the end of it is written then.
        this.#open.set(id, delivery);
      }
    } catch (error) {
      this.#failed(id, error);
    }
  }

  #try(id: number, work: (delivery: MaildirDelivery) => void): void {
    const delivery = this.#open.get(id);
    if (delivery === undefined) return; // it has failed before, and is passed over
    try {
      work(delivery);
    } catch (error) {
      this.#failed(id, error);
    }
  }

  #delivered(id: number, delivery: MaildirDelivery): void {
    this.#open.delete(id);
    this.#done.set(id, delivery);
    this.#report(id, { how: "success", text: texts.success });
  }

  #failed(id: number, error: unknown): void {
    const code = codeOf(error);
    this.#system.log(
      `qmail-local: delivery ${id}: ${error instanceof Error ? error.message : String(error)}`,
    );
    try {
      this.#open.get(id)?.discard();
    } catch {
      // The folder that failed us before fails us again.
    }
    this.#open.delete(id);
    this.#report(id, { how: "deferral", text: words.get(code) ?? texts.trouble });
  }

  #forget(id: number): void {
    try {
      this.#done.get(id)?.forget();
    } catch {
      // It only takes room, and qmail-pop3d removes it after 36 hours.
    }
    this.#done.delete(id);
  }

  #report(id: number, report: Report): void {
    this.#reports.push(frameBytes(kind.verdict, id, reportBytes(report)));
  }
}

const words = new Map<string, string>([
  ["ENOENT", texts.noHome],
  ["ENOTDIR", texts.noMaildir],
  ["EACCES", texts.noMaildir],
  ["ENOSPC", texts.full],
  ["EDQUOT", texts.full],
]);
