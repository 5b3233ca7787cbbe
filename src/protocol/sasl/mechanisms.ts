/** Which ways to log in there are, and which of them may be offered when. authup(8), AUTHENTICATION */

/** What a mechanism needs of the session that it is offered in. */
interface Needs {
  /** Our own checkpassword, which can be talked with: the interface of others carries one password. */
  readonly conversation: boolean;
  /** TLS whose channel can be bound to. */
  readonly binding?: boolean;
  /** A certificate of the client that the server has verified. */
  readonly certificate?: boolean;
  /** A command of POP3, and none for AUTH. */
  readonly command?: boolean;
}

const conversation: Needs = { conversation: true };

/** By name, in the spelling of the registry of SASL mechanisms. */
const mechanisms = new Map<string, Needs>([
  ["LOGIN", { conversation: false }],
  ["PLAIN", { conversation: false }],
  ["SCRAM-SHA-256", conversation],
  ["SCRAM-SHA-256-PLUS", { conversation: true, binding: true }],
  ["EXTERNAL", { conversation: true, certificate: true }],
  ["OAUTHBEARER", conversation],
  ["XOAUTH2", conversation],
  ["CRAM-MD5", conversation],
  ["APOP", { conversation: true, command: true }],
]);

/** Without control/authmechanisms: what every checkpassword can do, in the order the original shows them. */
export const usualMechanisms: readonly string[] = ["LOGIN", "PLAIN"];

export const isMechanism = (name: string) => mechanisms.has(name);

/** Of the `named` mechanisms, those that a checkpassword can do: ours all, others only what is a name and a password. */
export function doable(named: readonly string[], ours: boolean): readonly string[] {
  return named.filter((name) => ours || mechanisms.get(name)?.conversation === false);
}

/** Where our TLS servers tell authup what the channel can be bound to. It goes no further. */
export const bindingVariable = "SSL_TLS_EXPORTER";

/** What is known of a session's TLS. */
export interface Channel {
  /** For channel binding (RFC 9266), in hexadecimal; empty when there is none. */
  readonly binding: string;
  /** The names of the client's certificate, as control/certificateusers has them. latin1 */
  readonly certificate: readonly string[];
}

/** Of the `doable` mechanisms, those that AUTH can be offered with in this session. */
export function offerable(doable: readonly string[], channel: Channel): readonly string[] {
  return doable.filter((name) => {
    const { binding = false, certificate = false, command = false } = mechanisms.get(name) ?? conversation;
    if (binding && channel.binding === "") return false;
    return !command && !(certificate && channel.certificate.length === 0);
  });
}
