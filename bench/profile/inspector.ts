/** The profilers of another Node.js process, over its inspector's WebSocket. */
import type { V8Profile } from "./v8-profile.ts";

const intervalMicros = 200;

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly method?: string;
  readonly params?: { readonly chunk?: string };
}

export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #chunks: string[] = [];
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result, method, params } = JSON.parse(String(data)) as Message;
      if (method === "HeapProfiler.addHeapSnapshotChunk") this.#chunks.push(params?.chunk ?? "");
      if (id === undefined) return;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  static open(address: string): Promise<Inspector> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(address);
      socket.addEventListener("open", () => resolve(new Inspector(socket)));
      socket.addEventListener("error", () => reject(new Error(`no inspector at ${address}`)));
    });
  }

  async startProfile(): Promise<void> {
    await this.#ask("Profiler.enable");
    await this.#ask("Profiler.setSamplingInterval", { interval: intervalMicros });
    await this.#ask("Profiler.start");
  }

  async stopProfile(): Promise<V8Profile> {
    const { profile } = (await this.#ask("Profiler.stop")) as { profile: V8Profile };
    return profile;
  }

  /** After a collection of garbage, in octets. */
  async memory(): Promise<NodeJS.MemoryUsage> {
    await this.#ask("HeapProfiler.collectGarbage");
    const asked = { expression: "process.memoryUsage()", returnByValue: true };
    const { result } = (await this.#ask("Runtime.evaluate", asked)) as {
      result: { value: NodeJS.MemoryUsage };
    };
    return result.value;
  }

  /** What lives, as JSON. V8 collects garbage before. */
  async heapSnapshot(): Promise<string> {
    this.#chunks = [];
    await this.#ask("HeapProfiler.takeHeapSnapshot", { reportProgress: false });
    const snapshot = this.#chunks.join("");
    this.#chunks = [];
    return snapshot;
  }

  close(): void {
    this.#socket.close();
  }

  #ask(method: string, params = {}): Promise<unknown> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
