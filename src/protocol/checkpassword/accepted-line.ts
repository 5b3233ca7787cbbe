import { loggable } from "../authup/words.ts";

/** The log line for a right password, at the moment when it is: authup's own comes at the end of the session. */
export const acceptedLine = (pid: number, user: string) => `checkpassword ${pid} accepted ${loggable(user)}`;
