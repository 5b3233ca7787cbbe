import { checkpassword } from "./checkpassword.ts";

/** Runs prog as the user whose name and password, on descriptor 3, are those of an account of the system. checkpassword-shadow(8) */
export const main = checkpassword("checkpassword-shadow");
