import { checkpassword } from "./checkpassword.ts";

/** Runs prog as the user whose name and password, on descriptor 3, fit a row of PostgreSQL. checkpassword-pgsql(8) */
export const main = checkpassword("checkpassword-pgsql");
