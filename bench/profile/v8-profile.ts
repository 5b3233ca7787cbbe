/** A CPU profile as V8 tells it: a tree of calls, and which node each sample hit. */
import { Call } from "./call.ts";

export interface V8Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
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
