/** What UCSPITLS and DISABLETLS in the environment mean. Source: acceptutils, authup(8) and fixsmtpio(8). */
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

/** Puts what the TLS server said into the environment; a name without value is unset. */
export function applyBlock(env: Map<string, string>, block: ReadonlyMap<string, string | undefined>): void {
  for (const [name, value] of block) {
    if (value === undefined) env.delete(name);
    else env.set(name, value);
  }
}
