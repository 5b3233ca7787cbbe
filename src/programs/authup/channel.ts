import { bindingVariable, type Channel } from "../../protocol/sasl/mechanisms.ts";

/** What the environment says of the TLS we are in. Removes what no other program should see. */
export function takeChannel(env: Map<string, string>): Channel {
  // RFC 9266 §3: in TLS 1.2 it is safe only with the extended master secret, and nobody says whether there was one.
  const binding = (env.get("SSL_PROTOCOL") === "TLSv1.3" && env.get(bindingVariable)) || "";
  env.delete(bindingVariable);
  return { binding: /^(?:[0-9a-f]{2}){16,64}$/.test(binding) ? binding : "" };
}
