/** tcpserver: sslserver without TLS, with defaults of its own. tcpserver(8) */
import { serverOf } from "./main.ts";
import { tcpserver } from "./options.ts";

export const main = serverOf(tcpserver);
