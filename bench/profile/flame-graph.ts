/** CPU profiles as one SVG: a box for each call, as wide as the time spent in it and in what it called. */
import { type Call, isOurPlace, type Profile } from "./call.ts";

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

/** Ours warm, the platform's cool. */
function colour(place: string): string {
  let hash = 0;
  for (const letter of place) hash = (hash * 31 + letter.charCodeAt(0)) % 40;
  return isOurPlace(place) ? `hsl(${20 + hash} 90% 70%)` : `hsl(${190 + hash} 50% 78%)`;
}

const escaped = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
