/** A plan as plan.c reads it: a line of words, the message; a line for each step, what it sends and what it expects. */
import { messageOf } from "./message.ts";
import type { Plan, Step } from "./plan.ts";

const usualSilenceSeconds = 20;

export function planOctets(plan: Plan): Buffer {
  const { host, port, clients, sessions = 0, seconds, silenceSeconds = usualSilenceSeconds } = plan;
  const before: readonly Step[] = plan.implicitTls ? [{ tls: true }] : [];
  const steps = [...before, ...plan.steps].map(stepOctets);
  if (plan.hold) steps.push(line("hold"));
  const content = plan.steps.some((step) => "message" in step)
    ? messageOf(plan.messageOctets)
    : Buffer.alloc(0);
  const words = [host, port, clients, sessions, seconds, silenceSeconds, steps.length, content.length];
  return Buffer.concat([Buffer.from(`${words.join(" ")}\n`), content, ...steps]);
}

function stepOctets(step: Step): Buffer {
  if ("tls" in step) return line("tls");
  if ("end" in step) return line("end");
  if ("retrieve" in step) {
    const { retrieve, endsWith, octets } = step;
    return line("retrieve", { send: retrieve, expect: endsWith, times: octets });
  }
  if ("pipeline" in step) {
    const { pipeline, times, expect } = step;
    return line("say", { send: pipeline.repeat(times), expect, times });
  }
  if ("message" in step) return line("message", step);
  return line("say", step);
}

interface Words {
  readonly send?: string;
  readonly expect?: string;
  readonly or?: string;
  readonly times?: number;
}

function line(kind: string, { send = "", expect = "", or = "", times = 1 }: Words = {}): Buffer {
  const head = [kind, times, send.length, expect.length, or.length].join(" ");
  return Buffer.from(`${head}\n${send}${expect}${or}`, "latin1");
}
