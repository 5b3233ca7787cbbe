import { rfc5322Date } from "../protocol/smtp/date.ts";
import type { Context, Stage } from "./stage.ts";

/** Prepends the trace line that names the client's TLS, when there was any. qmail-qfilter-addtlsheader(8) */
export const addTlsHeader: Stage = async function* (message, context) {
  const line = tlsLine(context);
  if (line !== undefined) yield Buffer.from(line, "latin1");
  yield* message;
};

/** The line, with LF; undefined without TLS. A variable that is set and empty is set. */
export function tlsLine({ env, now }: Context): string | undefined {
  const protocol = env.get("SSL_PROTOCOL");
  const cipher = env.get("SSL_CIPHER");
  if (protocol === undefined || cipher === undefined) return undefined;
  return `Received: (ucspitls ${program(env)}${safe(protocol)} ${safe(cipher)}); ${rfc5322Date(now)}\n`;
}

/** Which of our programs started TLS; fixsmtpio goes before authup. */
function program(env: Context["env"]): string {
  if (env.get("FIXSMTPIOTLS") !== undefined) return "acceptutils fixsmtpio ";
  const user = env.get("AUTHUP_USER");
  return user === undefined ? "" : `acceptutils authup ${safe(user)} `;
}

/** A user's name could end the comment, or the line, and begin a field of its own. */
const safe = (word: string) => word.replace(/[^\x21-\x7e]|[()\\]/g, "?");
