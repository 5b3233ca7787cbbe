/** A server that answers as nginx's auth_http wants it. checkpassword-http(8) */
import { readFileSync } from "node:fs";
import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Backend, type Question, Unable } from "../../auth/backend.ts";
import { type HttpSettings, httpSettings } from "../../control/checkpassword-http.ts";
import { formatRequest } from "../../protocol/auth-http/request.ts";
import { type AuthHttpAnswer, parseResponse, verdictOf } from "../../protocol/auth-http/response.ts";
import type { Account } from "../system.ts";
import { exchange } from "./exchange.ts";
import { accountWith, protocolOf, type Surroundings, settingsFor } from "./surroundings.ts";

export function open(around: Surroundings): Backend {
  return {
    remote: true,
    async verify(question, check) {
      const settings = await settingsFor(around, "checkpassword-http", httpSettings);
      let account: Account | undefined;
      const right = await check(async () => {
        const answer = await ask(settings, question);
        const verdict = verdictOf(answer);
        const status =
          answer.headers.get("auth-status") ?? `HTTP status ${answer.status}, without Auth-Status`;
        if (verdict === "unable") throw new Unable(`${settings.url.host}: ${status}`);
        if (verdict === "right") account = accountOf(answer.headers, question.user, settings);
        return account !== undefined;
      });
      return right && question.secret.length > 0 ? account : undefined;
    },
  };
}

const usualPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

function ask({ url, ca, header = "", timeout }: HttpSettings, question: Question): Promise<AuthHttpAnswer> {
  const { user, secret, client } = question;
  const path = url.pathname + url.search;
  const protocol = protocolOf(question);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const to = { host, port: url.port === "" ? (usualPorts[url.protocol] ?? 0) : Number(url.port) };
  const secured = () =>
    connectTls({
      ...to,
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca !== undefined && { ca: readFileSync(ca) }),
    });
  return exchange({
    server: url.host,
    seconds: timeout,
    to: url.protocol === "https:" ? secured : () => connect(to),
    request: formatRequest({ path, host: url.host, user, secret, protocol, client, header }),
    answer: (bytes) => {
      const response = parseResponse(bytes);
      if (response === "broken") throw new Unable(`${url.host}: its answer is no HTTP`);
      return response;
    },
  });
}

/** Headers of ours beside nginx's: what a server knows of the user. */
function accountOf(
  headers: AuthHttpAnswer["headers"],
  asked: string,
  settings: HttpSettings,
): Account | undefined {
  const [uid, gid, home, shell] = ["uid", "gid", "home", "shell"].map((name) => headers.get(`auth-${name}`));
  return accountWith({ user: headers.get("auth-user") || asked, uid, gid, home, shell }, settings);
}
