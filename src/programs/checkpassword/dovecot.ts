import { checkpassword } from "./checkpassword.ts";

/** Runs prog as the user whose name and password, on descriptor 3, Dovecot's auth process takes. checkpassword-dovecot(8) */
export const main = checkpassword("checkpassword-dovecot");
