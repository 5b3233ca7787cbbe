/** Moves the services of a home folder to other ports or another address. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "./atomic.ts";
import { homeCertificate, listenerIn, listening } from "./run-scripts.ts";

/** A run script is not as we wrote it, so it is its owner's to change. Nothing was changed. */
export class OwnScript extends Error {
  override readonly name = "OwnScript";
}

/**
 * Rewrites the run scripts for `bind` and `portBase`, where they are given. Scripts that listen there already are left
 * alone. Throws OwnScript.
 */
export function readdress(
  home: string,
  { bind, portBase }: { readonly bind?: string | undefined; readonly portBase?: number | undefined },
): void {
  const changes: [path: string, text: string][] = [];
  for (const [name, { portOffset, script }] of listening) {
    const path = join(home, "service", name, "run");
    // A service that was taken out, or has become something else: the others are moved.
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    const there = readFileSync(path, "latin1");
    const now = listenerIn(there);
    const host = bind ?? now?.host ?? "127.0.0.1";
    const port = portBase === undefined ? now?.port : portBase + portOffset;
    if (port === undefined || (now?.host === host && now.port === port)) continue;
    if (now === undefined || there !== script({ ...now, certificate: homeCertificate })) {
      throw new OwnScript(`${path} was changed by hand: change its address and port there`);
    }
    changes.push([path, script({ host, port, certificate: homeCertificate })]);
  }
  for (const [path, text] of changes) replaceFile(path, text, { mode: 0o755 });
}
