/** CPU profiles as one SVG: a box for each call, as wide as the time spent in it and in what it called. */
import type { V8Profile } from "./inspector.ts";

export interface Profile {
  readonly title: string;
  readonly tree: Call;
}

/** A function, called by its parent: with all its samples, and those of its callees. */
export class Call {
  readonly place: string;
  /** In this function itself. */
  own = 0;
  /** And in what it called. */
  micros = 0;
  readonly callees = new Map<string, Call>();

  constructor(place: string) {
    this.place = place;
  }

  callee(place: string): Call {
    let call = this.callees.get(place);
    if (call === undefined) {
      call = new Call(place);
      this.callees.set(place, call);
    }
    return call;
  }

  /** The functions that most time was spent in, whoever called them; of the platform's, the nearest of ours above. */
  costliest(count: number): [string, number][] {
    const found = new Map<string, number>();
    const visit = (call: Call, above: string) => {
      const ours = isOurs(call.place);
      const place = ours || above === "" ? call.place : `${call.place}  for ${above}`;
      found.set(place, (found.get(place) ?? 0) + call.own);
      for (const callee of call.callees.values()) visit(callee, ours ? call.place : above);
    };
    visit(this, "");
    return [...found].sort(([, a], [, b]) => b - a).slice(0, count);
  }
}

/** What V8 measured, without the time in which nothing ran. */
export function treeOf({ nodes, samples, timeDeltas }: V8Profile): Call {
  const own = new Map<number, number>();
  samples.forEach((id, at) => {
    own.set(id, (own.get(id) ?? 0) + (timeDeltas[at] ?? 0));
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const root = new Call("all");
  const add = (id: number, parent: Call): number => {
    const node = byId.get(id);
    if (node === undefined) return 0;
    const { functionName, url, lineNumber } = node.callFrame;
    if (functionName === "(idle)") return 0;
    const file = url.replace(/.*\//, "");
    const place = `${functionName || "(anonymous)"}${file && ` ${file}:${lineNumber + 1}`}`;
    const call = functionName === "(root)" ? parent : parent.callee(place);
    let micros = own.get(id) ?? 0;
    call.own += micros;
    for (const child of node.children ?? []) micros += add(child, call);
    if (call !== parent) call.micros += micros;
    return micros;
  };
  root.micros = add(nodes[0]?.id ?? 0, root);
  return root;
}

const width = 1400;
const rowHeight = 17;
const narrowest = 1.2;

/** One picture below the other, all on the same scale. */
export function flameGraph(title: string, profiles: readonly Profile[]): string {
  const widest = Math.max(1, ...profiles.map(({ tree }) => tree.micros));
  const boxes: string[] = [];
  let top = 40;
  for (const { title: head, tree } of profiles) {
    boxes.push(`<text x="8" y="${top + 12}" class="head">${escaped(head)}</text>`);
    top += rowHeight;
    top += draw(tree, 0, top, width / widest, boxes) * rowHeight + 14;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escaped(title)}" width="${width}" height="${top}" font-family="sans-serif" font-size="11">
<style>.head{font-weight:bold} rect{stroke:#fff;stroke-width:.5}</style>
<text x="8" y="20" font-size="15">${escaped(title)}</text>
${boxes.join("\n")}
</svg>
`;
}

/** Draws a call and, below it, what it called. Returns how many rows that took. */
function draw(call: Call, x: number, y: number, scale: number, boxes: string[]): number {
  const wide = call.micros * scale;
  if (wide < narrowest) return 0;
  const label = wide > 40 ? escaped(call.place.slice(0, Math.floor(wide / 6.2))) : "";
  const tip = escaped(
    `${call.place}: ${(call.micros / 1000).toFixed(1)} ms, itself ${(call.own / 1000).toFixed(1)} ms`,
  );
  boxes.push(
    `<g><title>${tip}</title><rect x="${x.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${rowHeight}" fill="${colour(call.place)}"/>` +
      `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${label}</text></g>`,
  );
  let deepest = 0;
  let at = x;
  for (const callee of [...call.callees.values()].sort((a, b) => b.micros - a.micros)) {
    deepest = Math.max(deepest, draw(callee, at, y + rowHeight, scale, boxes));
    at += callee.micros * scale;
  }
  return deepest + 1;
}

const isOurs = (place: string) => / (app|acceptutils)\.cjs:/.test(place);

/** Ours warm, the platform's cool. */
function colour(place: string): string {
  let hash = 0;
  for (const letter of place) hash = (hash * 31 + letter.charCodeAt(0)) % 40;
  return isOurs(place) ? `hsl(${20 + hash} 90% 70%)` : `hsl(${190 + hash} 50% 78%)`;
}

const escaped = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
