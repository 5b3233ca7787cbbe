/** One entry for all programs: `main.ts NAME ARGUMENT…` runs NAME as this process. Launchers call it so. */
import { programCalled } from "./programs/table.ts";
import { becomeAsTold } from "./system/become-as-told.ts";

becomeAsTold();
const [name = "acceptutils", ...args] = process.argv.slice(2);
if (name === "worker")
  void import("./system/resident/worker.ts").then(({ runWorker }) => runWorker(programCalled));
else void import("./system/native-host.ts").then(({ runNatively }) => runNatively(name, args, programCalled));
