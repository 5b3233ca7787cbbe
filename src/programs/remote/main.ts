/**
 * qmail-remote: carries messages to other hosts. Jobs come on descriptor 0 and reports go to descriptor 1, in frames
 * (protocol/queue); many are done at once. qmail-remote(8)
 */
import { readInteger, readLine, readLineOrMe, readList } from "../../control/control.ts";
import { type Route, routeFor } from "../../control/smtproutes.ts";
import { FrameReader, frameBytes, kind } from "../../protocol/queue/frames.ts";
import { parseRemoteJob, type RemoteJob, type Report, reportBytes } from "../../protocol/queue/job.ts";
import * as report from "../../protocol/remote/report.ts";
import { DnsTrouble, mailExchangers, NoSuchHost } from "../../system/mail-exchangers.ts";
import { giveTo } from "../../system/smtp-client.ts";
import { Closed, type System, type TemporaryFile } from "../../system/system.ts";

/** A message that is coming in. It waits in a file: the other side may be slow, and others come after it. */
interface Job {
  readonly job: RemoteJob;
  readonly content: TemporaryFile;
  sizeOctets: number;
}

/** Does jobs until descriptor 0 ends. Returns 0, or 100 when what comes is no job. */
export async function main(_args: readonly string[], system: System): Promise<number> {
  system.chdir(system.home());
  const open = new Map<number, Job>();
  const reader = new FrameReader();
  const input = system.input(0);
  for (;;) {
    const chunk = await input.read();
    if (chunk === null) return 0;
    for (const { kind: what, id, payload } of reader.push(chunk)) {
      const job = open.get(id);
      switch (what) {
        case kind.job: {
          const parsed = parseRemoteJob(payload);
          if (parsed === undefined) return 100;
          open.set(id, { job: parsed, content: await system.temporaryFile(), sizeOctets: 0 });
          break;
        }
        case kind.content:
          if (job === undefined) break;
          job.sizeOctets += payload.length;
          await job.content.write(payload);
          break;
        case kind.abort:
          job?.content.close();
          open.delete(id);
          break;
        case kind.end:
          open.delete(id);
          if (job !== undefined) void carry(id, job, system);
          break;
      }
    }
  }
}

/** Does one job and reports. Never throws. */
async function carry(id: number, job: Job, system: System): Promise<void> {
  const result = await deliver(job, system).catch((error: Error): Report => {
    system.log(`qmail-remote: delivery ${id}: ${error.stack}`);
    return { how: "deferral", text: "Internal error in qmail-remote. (#4.3.0)\n" };
  });
  job.content.close();
  try {
    await system.output(1).write(frameBytes(kind.verdict, id, reportBytes(result)));
  } catch (error) {
    if (!(error instanceof Closed)) throw error; // qmail-send was killed: the next one asks again
  }
}

async function deliver({ job, content, sizeOctets }: Job, system: System): Promise<Report> {
  const domain = job.recipient.slice(job.recipient.lastIndexOf("@") + 1);
  const route = routeFor((await readList(system, "smtproutes")) ?? [], domain);
  const me = (await readLine(system, "me")) ?? "localhost";
  const helo = (await readLineOrMe(system, "helohost")) ?? me;
  const connectSeconds = Math.max(1, await readInteger(system, "timeoutconnect", 60));
  const silenceSeconds = Math.max(1, await readInteger(system, "timeoutremote", 1200));
  let hosts: readonly Route[];
  try {
    hosts = route === undefined ? await exchangersOf(domain) : [route];
  } catch (error) {
    if (error instanceof NoSuchHost) return report.noHost(domain);
    if (error instanceof DnsTrouble) return report.noAnswer;
    throw error;
  }
  if (route === undefined && hosts[0]?.relay.toLowerCase() === me.toLowerCase()) return report.ourselves;
  let last: Report = report.noConnection;
  for (const { relay, port } of hosts) {
    const answer = await giveTo(
      { host: relay, port, helo, connectSeconds, silenceSeconds },
      { ...job, sizeOctets, content: () => content.chunks() },
    );
    if (answer.accepted) return report.accepted(relay, answer.reply);
    if (answer.stage !== "connect") return report.refused(relay, answer);
    // A host that does not want to talk is no reason not to ask the next one.
    if (answer.code !== undefined) last = report.refused(relay, answer);
  }
  return last;
}

async function exchangersOf(domain: string): Promise<Route[]> {
  const literal = /^\[(?:IPv6:)?([0-9A-Fa-f.:]+)\]$/i.exec(domain)?.[1];
  const hosts = literal === undefined ? await mailExchangers(domain) : [literal];
  return hosts.slice(0, maximumHosts).map((relay) => ({ relay, port: 25 }));
}

const maximumHosts = 10;
