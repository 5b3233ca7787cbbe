/** What is in a heap snapshot of V8, by kind of object. */

export interface Kept {
  readonly count: number;
  readonly octets: number;
}

interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Objects by their constructor, everything else by what it is; with their own size, not that of what they hold. */
export function summaryOf(json: string): Map<string, Kept> {
  const { snapshot, nodes, strings } = JSON.parse(json) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const at = (field: string) => fields.indexOf(field);
  const [type, name, size] = [at("type"), at("name"), at("self_size")];
  const found = new Map<string, Kept>();
  for (let node = 0; node < nodes.length; node += fields.length) {
    const kind = kindOf(types[0][nodes[node + type]!] ?? "", strings[nodes[node + name]!] ?? "");
    const { count, octets } = found.get(kind) ?? nothing;
    found.set(kind, { count: count + 1, octets: octets + nodes[node + size]! });
  }
  return found;
}

const nothing: Kept = { count: 0, octets: 0 };

/** Names of closures tell too much, and those of strings are their text. */
function kindOf(type: string, name: string): string {
  return type === "object" || type === "native" ? name.replace("system / ", "") || `(${type})` : `(${type})`;
}

/** What one of `sessions` more has brought, the largest first: those that came to nothing are left out. */
export function growth(
  before: ReadonlyMap<string, Kept>,
  after: ReadonlyMap<string, Kept>,
  sessions: number,
): [kind: string, each: Kept][] {
  return [...after]
    .map(([kind, { count, octets }]): [string, Kept] => {
      const had = before.get(kind) ?? nothing;
      return [kind, { count: (count - had.count) / sessions, octets: (octets - had.octets) / sessions }];
    })
    .filter(([, { octets }]) => octets >= 1)
    .sort(([, a], [, b]) => b.octets - a.octets);
}
