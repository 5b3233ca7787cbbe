import { join } from "node:path";
import { checkoutFolder } from "../../system/home/installation.ts";
import { isHome } from "../../system/home/make.ts";
import { closedFolder } from "../../system/home/reach.ts";
import { type Command, Problem } from "./verb.ts";

/** For root, whose own folder is often closed to all others. */
export const rootsHome = "/var/lib/acceptutils";

/**
 * The home folder meant: --home, else ACCEPTUTILS_HOME, else `home` in the checkout or in the current folder; or,
 * when that is where the service's users could not get to, /var/lib/acceptutils. Throws Problem.
 */
export function homeFolder(typed: string | undefined, command: Command): string {
  return plain(meantFolder(typed, command));
}

/** Run scripts, logs and screens have the path in them. Throws Problem. */
export function plain(home: string): string {
  const shown = home.replace(/[\x00-\x1f\x7f]/g, "?");
  if (shown === home) return home;
  throw new Problem(`${shown} has a control character in its name; name another folder`);
}

function meantFolder(typed: string | undefined, command: Command): string {
  const named = typed ?? command.system.env.get("ACCEPTUTILS_HOME");
  if (named !== undefined && named !== "") return command.path(named);
  const folder = checkoutFolder() ?? command.path(".");
  return closedFolder(folder) === undefined ? join(folder, "home") : rootsHome;
}

/** As homeFolder, for verbs that need one that is there. Throws Problem. */
export function existingHome(typed: string | undefined, command: Command): string {
  const home = homeFolder(typed, command);
  if (!isHome(home)) throw new Problem(`${home} is no home folder: acceptutils init ${home} makes one`);
  return home;
}
