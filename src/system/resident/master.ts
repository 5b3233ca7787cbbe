/** The channel to `acceptutils up`, for what its run scripts become. */
import { Channel } from "./channel.ts";

/** The variable that names its two descriptors. */
const variable = "ACCEPTUTILS_POOL";

export interface Master {
  readonly channel: Channel;
  /** The descriptor of its stream. */
  readonly stream: number;
}

/** Whether `acceptutils up` has started us. */
export const hasMaster = (env: ReadonlyMap<string, string>) => env.has(variable);

/** Takes the channel, if there is one, and its variable, which nobody else is to see. */
export function takeMaster(env: Map<string, string>): Master | undefined {
  const text = env.get(variable);
  env.delete(variable);
  if (text === undefined) return undefined;
  const [stream = 0, packets = 0] = text.split(",").map(Number);
  return { channel: new Channel({ stream, packets }), stream };
}

/** Names the descriptor of a listening socket that the server before us had. */
export const listeningVariable = "ACCEPTUTILS_LISTENING";

/** Takes it, if there is one, and the variable. */
export function takeListening(env: Map<string, string>): number | undefined {
  const text = env.get(listeningVariable);
  env.delete(listeningVariable);
  return text === undefined ? undefined : Number(text);
}

/** Resolves when who started us is gone, however it ended: another will start another. */
export function masterGone(env: Map<string, string>): Promise<void> | undefined {
  const master = takeMaster(env);
  return (
    master &&
    new Promise((resolve) => {
      master.channel.onClose = resolve;
    })
  );
}
