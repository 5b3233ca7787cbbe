import { checkpassword } from "./checkpassword.ts";

/** Runs prog as the user whose name and password, on descriptor 3, a directory takes. checkpassword-ldap(8) */
export const main = checkpassword("checkpassword-ldap");
