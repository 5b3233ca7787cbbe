/** The worker of the resident host, as the tests have it: one session at a time, told what to run by its parent. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { programCalled } from "../../src/programs/table.ts";
import { inputOf, Pipe } from "../../src/system/pipe.ts";
import { runResident, type Secured } from "../../src/system/resident-host.ts";
import { connection, StreamInput, StreamOutput } from "../../src/system/stream.ts";
import { type Input, Killed, type Output, type Program, type Programs } from "../../src/system/system.ts";
import { readBlock } from "../../src/system/ucspi-tls.ts";
import type { News, Task } from "./resident.ts";

const tell = (news: News) => process.send?.(news);

process.on("message", (task: Task) => {
  void play(task);
});

async function play({ argv, env, cwd, client, control, inside, qq, fd3 }: Task): Promise<void> {
  const sockets: Socket[] = [];
  const open = async (path: string) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.on("error", () => {});
    await once(socket, "connect");
    sockets.push(socket);
    return socket;
  };
  const startTls = async (_in: Input, _out: Output, timeoutSeconds: number): Promise<Secured> => {
    const commands = await open(control!);
    const block = await readBlock(new StreamInput(commands), new StreamOutput(commands), timeoutSeconds);
    return { ...connection(await open(inside!)), block };
  };
  const ends =
    qq === undefined
      ? connection(await open(client!))
      : { input: inputOf(bytesOf(qq.message)), output: readable(bytesOf(qq.envelope)) };
  const ended = await runResident(argv, {
    programs: fd3 === undefined ? programCalled : spawningFirst(argv, fd3),
    env: new Map(Object.entries(env)),
    cwd,
    ...ends,
    log: (log) => tell({ log }),
    ...(control === undefined ? {} : { startTls, tls: "offered" as const }),
  });
  for (const socket of sockets) socket.destroySoon();
  tell({ ended });
}

/** In the place of the first program one that spawns it, as authup spawns a checkpassword. */
function spawningFirst(argv: readonly string[], fd3: string | null): Programs {
  const spawning: Program = async (_args, system) => {
    const onDescriptor3 = fd3 === null ? {} : { 3: { bytes: bytesOf(fd3) } };
    const wires = { 0: { inherit: true }, 1: { inherit: true }, ...onDescriptor3 } as const;
    const ended = await (await system.spawn(argv, { wires })).wait();
    if ("signal" in ended) throw new Killed(ended.signal);
    return ended.code;
  };
  let first: Program | undefined = spawning;
  return async (name) => {
    const program = first ?? (await programCalled(name));
    first = undefined;
    return program;
  };
}

const bytesOf = (text: string) => Buffer.from(text, "latin1");

/** Descriptor 1 of a queue is read, not written. */
function readable(bytes: Uint8Array): Output & Input {
  const input = inputOf(bytes);
  const output = new Pipe();
  return {
    read: (seconds?: number) => input.read(seconds),
    write: (more: Uint8Array) => output.write(more),
    flush: () => output.flush(),
    close: () => {},
  };
}
