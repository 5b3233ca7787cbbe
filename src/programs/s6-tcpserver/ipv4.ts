/** s6-tcpserver4, as scripts before s6-networking 2.6 have it. s6-tcpserver(8) */
import { serverOf } from "../sslserver/main.ts";
import { s6TcpserverOf } from "../sslserver/options.ts";

export const main = serverOf(s6TcpserverOf(4));
