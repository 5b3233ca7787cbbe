import { checkpassword } from "./checkpassword.ts";

/** Runs prog as the user whose name and password are on descriptor 3 and in users/passwd. checkpassword(8) */
export const main = checkpassword("checkpassword");
