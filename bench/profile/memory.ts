/**
 * `npm run profile -- FIGURE` of what is memory: whose it is, process by process, as the kernel and as V8 have it, and the
 * objects in V8's heap by kind. Written to bench/results/profile-FIGURE.md.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type Held, whileHeld } from "../measure/held.ts";
import { table } from "../table.ts";
import { growth, type Kept } from "./heap-snapshot.ts";
import { type Heap, heapsOf } from "./heaps.ts";
import { inspectAll, inspectedFlags } from "./inspected.ts";
import { type Pages, pagesOf } from "./pages.ts";
import { resultFile } from "./result-file.ts";
import { withService } from "./service.ts";

/** Who is idle gives memory back after half a minute, and sees to it every five seconds. */
const idleSeconds = 45;
/** And half a minute later for each second of work: so many sessions are one or two. */
const restSeconds = 90;
const heldSessions = 1000;
/** Each object is written out and read: a heap of fewer sessions says the same. */
const snapshotSessions = 200;
const kindsShown = 16;

/** 14: nobody has come. */
export function memoryOfIdle(name: string): Promise<void> {
  return withService({ flags: inspectedFlags }, async (service) => {
    await pause(idleSeconds * 1000);
    const pages = pagesOf(service);
    const heaps = await heapsOf(await inspectAll(service));
    write(name, "the idle service, after a rest", [
      ...pagesTable(pages),
      "",
      "V8, after a collection; KiB:",
      "",
      ...heapTable(heaps),
      ...heaps.flatMap(({ role, objects }) => objectsTable(role, growth(new Map(), objects, 1), "")),
    ]);
  });
}

/** 11: what each session adds. The heaps are those of another service, as inspectors take memory themselves. */
export async function memoryOfHeld(held: Held): Promise<void> {
  const lines = [...(await pagesOfHeld(held)), ...(await heapsOfHeld(held))];
  write(held.name, held.says, lines);
}

function pagesOfHeld(held: Held): Promise<string[]> {
  return withService({}, async (service) => {
    await pause(idleSeconds * 1000); // what the start took has gone
    const idle = pagesOf(service);
    const [come, rested] = await whileHeld(held, service, heldSessions, async () => {
      const first = pagesOf(service);
      await pause(restSeconds * 1000);
      return [first, pagesOf(service)];
    });
    const had = ({ pid }: Pages) => idle.find((one) => one.pid === pid)?.pss ?? 0;
    const sum = (pages: readonly Pages[]) => pages.reduce((all, one) => all + one.pss - had(one), 0);
    const each = (kilobytes: number) => (kilobytes / heldSessions).toFixed(1);
    return [
      `PSS in KiB: before anybody came, and what each of ${heldSessions} sessions added, just after they came and after a rest.`,
      "",
      ...table(
        ["process", "idle", "private", "each session", "after a rest"],
        [
          ...come!.map((one) => {
            const later = rested!.find(({ pid }) => pid === one.pid);
            const before = idle.find(({ pid }) => pid === one.pid);
            return [
              one.role,
              ...[before?.pss, before?.private].map((kilobytes) => kilobytes?.toLocaleString("en") ?? "-"),
              each(one.pss - had(one)),
              later === undefined ? "-" : each(later.pss - had(one)),
            ];
          }),
          ["all", "", "", each(sum(come!)), each(sum(rested!))],
        ],
      ),
    ];
  });
}

function heapsOfHeld(held: Held): Promise<string[]> {
  return withService({ flags: inspectedFlags }, async (service) => {
    await whileHeld(held, service, 20, () => {}); // what is made once is there
    const inspectors = await inspectAll(service);
    const look = () => heapsOf(inspectors);
    const one = await whileHeld(held, service, 1, look);
    const many = await whileHeld(held, service, snapshotSessions, look);
    const sessions = snapshotSessions - 1;
    const before = (heap: Heap) => one.find(({ pid }) => pid === heap.pid)!;
    const each = (heap: Heap, field: "heapUsed" | "external" | "arrayBuffers") =>
      (Math.round((heap.memory[field] - before(heap).memory[field]) / sessions) + 0).toLocaleString("en"); // no -0
    return [
      "",
      `V8 with one session, after a collection; KiB. Then octets that each of ${sessions} more added.`,
      "",
      ...heapTable(one),
      "",
      ...table(
        ["process", "heap", "external", "of it array buffers"],
        many.map((heap) => [
          heap.role,
          each(heap, "heapUsed"),
          each(heap, "external"),
          each(heap, "arrayBuffers"),
        ]),
      ),
      ...many.flatMap((heap) =>
        objectsTable(heap.role, growth(before(heap).objects, heap.objects, sessions), "a session, "),
      ),
    ];
  });
}

function pagesTable(pages: readonly Pages[]): string[] {
  const fields = ["pss", "private", "anonymous", "malloc", "binary"] as const;
  const sum = (field: (typeof fields)[number]) => pages.reduce((all, one) => all + one[field], 0);
  return [
    "As the kernel has it, KiB. Of what is private: anonymous memory (V8's heap first), malloc's, and changed pages of files.",
    "",
    ...table(
      ["process", "PSS", "private", "anonymous", "malloc", "files"],
      [
        ...pages.map((one) => [one.role, ...fields.map((field) => one[field].toLocaleString("en"))]),
        ["all", ...fields.map((field) => sum(field).toLocaleString("en"))],
      ],
    ),
  ];
}

const heapTable = (heaps: readonly Heap[]) =>
  table(
    ["process", "heap used", "heap total", "external", "of it array buffers"],
    heaps.map(({ role, memory: { heapUsed, heapTotal, external, arrayBuffers } }) => [
      role,
      ...[heapUsed, heapTotal, external, arrayBuffers].map((octets) =>
        Math.round(octets / 1024).toLocaleString("en"),
      ),
    ]),
  );

/** A process that has nothing of the kind is left out. */
function objectsTable(role: string, kinds: readonly [string, Kept][], each: string): string[] {
  const octets = kinds.reduce((all, [, one]) => all + one.octets, 0);
  if (octets < 100) return [];
  const shown = (number: number) =>
    number < 100 ? number.toFixed(1) : Math.round(number).toLocaleString("en");
  return [
    "",
    `## ${role}: ${each}${Math.round(octets).toLocaleString("en")} octets of objects`,
    "",
    ...table(
      ["kind", "objects", "octets"],
      kinds.slice(0, kindsShown).map(([kind, one]) => [kind, shown(one.count), shown(one.octets)]),
    ),
  ];
}

function write(name: string, says: string, lines: readonly string[]): void {
  const file = resultFile(name, "md");
  const text = [`# ${name}: ${says}`, "", ...lines, ""].join("\n");
  writeFileSync(file, text);
  console.log(`${text}\n${file}`);
}
