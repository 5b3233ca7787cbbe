/** Where this software is: the interpreter and the bundle that launchers start. */
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Installation } from "../launchers.ts";

/**
 * The installation we are part of. From a checkout, where this file is TypeScript, the bundle is built first when a
 * source file is newer; in the bundle, it is the bundle.
 */
export async function thisInstallation(): Promise<Installation> {
  const here = import.meta.dirname;
  if (!isCheckout()) return { node: process.execPath, bundle: join(here, "app.cjs") };
  const builder = pathToFileURL(join(checkout(), "tools", "bundle.ts")).href; // a name the bundler must not follow
  const { buildIfStale } = (await import(builder)) as { buildIfStale(): Promise<string> };
  return { node: process.execPath, bundle: await buildIfStale() };
}

/** The folder that `home` and `build` are in: the checkout; undefined for an installed package. */
export function checkoutFolder(): string | undefined {
  if (isCheckout()) return checkout();
  const folder = dirname(import.meta.dirname);
  return basename(import.meta.dirname) === "build" ? folder : undefined;
}

const isCheckout = () => import.meta.filename.endsWith(".ts");
const checkout = () => dirname(dirname(dirname(import.meta.dirname)));
