import { checkpassword } from "./checkpassword.ts";

/** Runs prog as the user whose name and password, on descriptor 3, PAM takes. checkpassword-pam(8) */
export const main = checkpassword("checkpassword-pam");
