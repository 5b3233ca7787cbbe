/**
 * How the hosts in our users' addresses are completed: instructions, each used at most once, in order.
 * Source: rewriting(5) of mess822.
 */

interface Instruction {
  readonly kind: "=" | "*" | "?" | "-";
  readonly post: string;
  readonly replacement: string;
}

export type HostRules = readonly Instruction[];

/** The rules in `lines`; a line that is no instruction means nothing. */
export function parseHostRules(lines: readonly string[]): HostRules {
  return lines.flatMap((line) => {
    const [, kind, post = "", replacement = ""] = /^([=*?-])([^:]*):(.*)$/s.exec(line) ?? [];
    return kind === undefined ? [] : [{ kind: kind as Instruction["kind"], post, replacement }];
  });
}

/** The rules where there is no control/rewrite: a final dot goes, `+` and short names are completed. */
export function defaultHostRules(host: string, plusDomain: string, domain: string): HostRules {
  return [
    { kind: "*", post: ".", replacement: "" },
    { kind: "=", post: "", replacement: host },
    { kind: "*", post: "+", replacement: `.${plusDomain}` },
    { kind: "?", post: "", replacement: `.${domain}` },
  ];
}

/** The host after all rules. Letters of either case alike. */
export function rewriteHost(host: string, rules: HostRules): string {
  return rules.reduce((name, { kind, post, replacement }) => {
    const at = name.length - post.length;
    if (at < 0 || lower(name.slice(at)) !== lower(post)) return name;
    const pre = name.slice(0, at);
    switch (kind) {
      case "=":
        return pre === "" ? replacement : name;
      case "*":
        return pre + replacement;
      case "?":
        return /[.[\]]/.test(pre) ? name : pre + replacement;
      default:
        return replacement;
    }
  }, host);
}

/** The address with its host rewritten: what follows the first `@`. An empty address stays empty. */
export function rewriteAddress(address: string, rules: HostRules): string {
  if (address === "") return "";
  const at = address.indexOf("@");
  const [local, host] = at < 0 ? [address, ""] : [address.slice(0, at), address.slice(at + 1)];
  return `${local}@${rewriteHost(host, rules)}`;
}

const lower = (text: string) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
