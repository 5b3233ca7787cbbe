/** s6-tcpserver: tcpserver in the words of s6-networking. s6-tcpserver(8) */
import { serverOf } from "../sslserver/main.ts";
import { s6Tcpserver } from "../sslserver/options.ts";

export const main = serverOf(s6Tcpserver);
