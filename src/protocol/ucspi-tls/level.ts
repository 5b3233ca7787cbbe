/** What UCSPITLS and DISABLETLS in the environment mean. Source: acceptutils, authup(8) and fixsmtpio(8). */
import { SharedBlock } from "./block.ts";

export type TlsLevel = "unavailable" | "available" | "required";

/** Reads the level and removes both variables, so that the next program does not offer TLS once more. */
export function takeTlsLevel(env: Map<string, string>): TlsLevel {
  const ucspitls = env.get("UCSPITLS");
  const disabled = env.has("DISABLETLS");
  env.delete("UCSPITLS");
  env.delete("DISABLETLS");
  if (disabled || ucspitls === undefined || ucspitls === "-") return "unavailable";
  return ucspitls === "!" ? "required" : "available";
}

/** An environment that keeps what many are told once. */
interface Sharing extends Map<string, string> {
  setAll?(shared: ReadonlyMap<string, string>): void;
}

/** Puts what the TLS server said into the environment; a name without value is unset. */
export function applyBlock(env: Sharing, block: ReadonlyMap<string, string | undefined>): void {
  const shares = block instanceof SharedBlock && env.setAll !== undefined;
  if (shares) env.setAll?.(block.common);
  for (const [name, value] of shares ? block.own : block) {
    if (value === undefined) env.delete(name);
    else env.set(name, value);
  }
}
