/** One entry for all programs: `main.ts NAME ARGUMENT…` runs NAME as this process. Launchers call it so. */
import { programCalled } from "./programs/table.ts";
import { runNatively } from "./system/native-host.ts";
import { becomeAsTold } from "./system/our-program.ts";

becomeAsTold();
const [name = "acceptutils", ...args] = process.argv.slice(2);
if (name === "worker")
  void import("./system/resident/worker.ts").then(({ runWorker }) => runWorker(programCalled));
else void runNatively(name, args, programCalled);
