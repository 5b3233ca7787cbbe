/**
 * The addresses in fields such as To: read, and written again in one form. RFC 5322 §3.4, §4.4;
 * the form is that of mess822's ofmipd: names in quotes, comments and group names become names.
 */

/** One mailbox. Quoting is taken off; all is latin1 text. */
export interface Mailbox {
  /** The person's name; "" when none is given. */
  readonly name: string;
  readonly local: string;
  /** The host; "" when the address has none. */
  readonly host: string;
}

type Token =
  | { readonly kind: "word"; readonly text: string; readonly quoted: boolean }
  | { readonly kind: "comment" | "literal"; readonly text: string }
  | { readonly kind: "special"; readonly text: string };

/** The mailboxes in a field's value; undefined when it is not a list of addresses. */
export function parseAddressList(value: string): readonly Mailbox[] | undefined {
  const [one, name = "", named, hostOfNamed, local = named, host = hostOfNamed] = usual.exec(value) ?? [];
  return one === undefined || local === undefined || host === undefined
    ? parseTokens(value)
    : [{ name, local, host }];
}

/** What most fields are: one mailbox of plain words, `Alice L <alice@example.net>` or `alice@example.net`. */
const usual = (() => {
  const atom = '[^\\x00-\\x20\\x7f()<>@,;:\\\\".[\\]]+';
  const dots = `(${atom}(?:\\.${atom})*)`;
  return new RegExp(`^[ \\t\\n]*(?:(${atom}(?: ${atom})*) <${dots}@${dots}>|${dots}@${dots})[ \\t\\n]*$`);
})();

function parseTokens(value: string): readonly Mailbox[] | undefined {
  const tokens = tokensOf(value);
  if (tokens === undefined) return undefined;
  const mailboxes: Mailbox[] = [];
  let group = "";
  let item: Token[] = [];
  let inAngle = false;
  const finish = (): boolean => {
    const mailbox = mailboxOf(item, group);
    if (mailbox === undefined) return item.every(({ kind }) => kind === "comment");
    mailboxes.push(mailbox);
    group = "";
    return true;
  };
  for (const token of tokens) {
    if (isSpecial(token, "<")) inAngle = true;
    if (isSpecial(token, ">")) inAngle = false;
    if (!inAngle && (isSpecial(token, ",") || isSpecial(token, ";"))) {
      if (!finish()) return undefined;
      item = [];
    } else if (!inAngle && isSpecial(token, ":")) {
      if (!item.every(({ kind }) => kind === "word" || kind === "comment")) return undefined;
      group = phrase(item);
      item = [];
    } else item.push(token);
  }
  return finish() && !inAngle ? mailboxes : undefined;
}

/** `name <local@host>` or `local@host`, quoted where it must be. */
export function mailboxText({ name, local, host }: Mailbox): string {
  const address = addressText(local, host);
  return name === "" ? address || "<>" : `${nameText(name)} <${address}>`;
}

/** A field with the mailboxes as its value, folded so that lines stay within 78 octets where they can. */
export function addressField(name: string, mailboxes: readonly Mailbox[]): string {
  let line = `${name}:`;
  let field = "";
  for (const [at, mailbox] of mailboxes.entries()) {
    const text = mailboxText(mailbox) + (at === mailboxes.length - 1 ? "" : ",");
    if (at > 0 && line.length + 1 + text.length > 78) {
      field += `${line}\n`;
      line = ` `;
    }
    line += ` ${text}`;
  }
  return `${field}${line}\n`;
}

const isSpecial = (token: Token, text: string) => token.kind === "special" && token.text === text;

/** RFC 5322 §3.2.3 atext, and bytes above 127, which many clients send as they are. */
const atom = /[^\x00-\x20\x7f()<>@,;:\\".[\]]+/y;
const blanks = /[\x00-\x20\x7f]+/y;
const quotedString = /"([^"\\]*(?:\\[\s\S][^"\\]*)*)"/y;
const domainLiteral = /\[[^[\]\\]*(?:\\[\s\S][^[\]\\]*)*\]/y;

/** Undefined when a quote, a comment or a literal does not end. */
function tokensOf(value: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < value.length; ) {
    const next = (pattern: RegExp) => {
      pattern.lastIndex = at;
      return pattern.exec(value);
    };
    const blank = next(blanks);
    if (blank !== null) {
      at += blank[0].length;
      continue;
    }
    const character = value[at]!;
    if (character === "(") {
      const end = commentEnd(value, at);
      if (end === undefined) return undefined;
      tokens.push({ kind: "comment", text: plain(value.slice(at + 1, end - 1)) });
      at = end;
      continue;
    }
    const quoted = character === '"' ? next(quotedString) : null;
    const literal = character === "[" ? next(domainLiteral) : null;
    const word = next(atom);
    if (quoted !== null) tokens.push({ kind: "word", text: plain(quoted[1] ?? ""), quoted: true });
    else if (literal !== null)
      tokens.push({ kind: "literal", text: literal[0].replace(/[\x00-\x20\x7f]/g, "") });
    else if (word !== null) tokens.push({ kind: "word", text: word[0], quoted: false });
    else if ("<>@,;:.".includes(character)) tokens.push({ kind: "special", text: character });
    else return undefined;
    at += (quoted ?? literal ?? word)?.[0].length ?? 1;
  }
  return tokens;
}

/** Where the comment ends that begins at `from`; comments may hold comments. */
function commentEnd(value: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < value.length; at++) {
    if (value[at] === "\\") at++;
    else if (value[at] === "(") depth++;
    else if (value[at] === ")" && --depth === 0) return at + 1;
  }
  return undefined;
}

/** Without backslashes, and in one line. */
const plain = (text: string) =>
  text
    .replace(/\\([\s\S])/g, "$1")
    .replace(/\r?\n[ \t]*/g, " ")
    .replace(/[\x00-\x1f\x7f]/g, " ");

/** The words as one name: `Bob B. Bob`. */
const phrase = (tokens: readonly Token[]) =>
  tokens
    .reduce((name, { kind, text }) => name + (kind === "special" || name === "" ? "" : " ") + text, "")
    .trim();

/** Undefined when the tokens are no mailbox. */
function mailboxOf(item: readonly Token[], group: string): Mailbox | undefined {
  const open = item.findIndex((token) => isSpecial(token, "<"));
  if (open < 0) {
    const comments = item.filter(({ kind }) => kind === "comment");
    return address(
      item.filter(({ kind }) => kind !== "comment"),
      phrase(comments) || group,
    );
  }
  const close = item.findIndex((token) => isSpecial(token, ">"));
  const before = item.slice(0, open);
  const after = item.slice(close + 1);
  const inside = item.slice(open + 1, close).filter(({ kind }) => kind !== "comment");
  const named = before.every(
    (token) => token.kind === "word" || token.kind === "comment" || isSpecial(token, "."),
  );
  if (close < open || !named || !after.every(({ kind }) => kind === "comment")) return undefined;
  // RFC 5322 §4.4: a route before the address is obsolete and ignored.
  const route =
    inside[0] !== undefined && isSpecial(inside[0], "@")
      ? inside.findIndex((token) => isSpecial(token, ":")) + 1
      : 0;
  return address(inside.slice(route), phrase([...before, ...after]) || group);
}

/** local-part [ "@" domain ], where words stand between dots and not beside each other. */
function address(tokens: readonly Token[], name: string): Mailbox | undefined {
  const at = tokens.findIndex((token) => isSpecial(token, "@"));
  const local = tokens.slice(0, at < 0 ? tokens.length : at);
  const host = at < 0 ? [] : tokens.slice(at + 1);
  if (local.length === 0 || !dotted(local) || (at >= 0 && host.length === 0)) return undefined;
  if (local.some(({ kind }) => kind === "literal")) return undefined;
  const isHost = (host.length === 1 && host[0]?.kind === "literal") || dotted(host);
  if (!isHost || host.some((token) => token.kind === "word" && token.quoted)) return undefined;
  return { name, local: joined(local), host: joined(host) };
}

const joined = (tokens: readonly Token[]) => tokens.map(({ text }) => text).join("");

const dotted = (tokens: readonly Token[]) =>
  tokens.every((token, at) =>
    token.kind === "word" ? tokens[at - 1]?.kind !== "word" : isSpecial(token, "."),
  );

function addressText(local: string, host: string): string {
  const isAtom = /^[^\x00-\x20\x7f()<>@,;:\\"[\]]+$/.test(local) && !/^\.|\.\.|\.$/.test(local);
  const text = isAtom || local === "" ? local : inQuotes(local);
  return host === "" ? text : `${text}@${host}`;
}

/**
 * A name in quotes, as the original writes it; not so one with an encoded word, which would not be decoded there.
 * RFC 2047 §5.
 */
const nameText = (name: string) =>
  /=\?[^ ?]+\?[bqBQ]\?[^ ?]*\?=/.test(name) && /^[^\x00-\x1f\x7f()<>@,;:\\".[\]]*$/.test(name)
    ? name
    : inQuotes(name);

const inQuotes = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
