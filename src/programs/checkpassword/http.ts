import { checkpassword } from "./checkpassword.ts";

/** Runs prog as the user whose name and password, on descriptor 3, a server of nginx's auth_http manner takes. checkpassword-http(8) */
export const main = checkpassword("checkpassword-http");
