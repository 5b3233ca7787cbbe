/** What perf-script(1) prints of a recording, as stacks. */

export interface Frame {
  readonly symbol: string;
  /** The file that the code is of: a program, a library, `[kernel.kallsyms]`, a map that V8 wrote. */
  readonly object: string;
  readonly kernel: boolean;
}

export interface Sample {
  /** Of the thread: at most 15 letters. */
  readonly command: string;
  readonly pid: number;
  /** The innermost call first. */
  readonly stack: readonly Frame[];
}

/** The fields that `samplesIn` reads, as `perf script -F` wants them. */
export const fields = "comm,pid,ip,sym,dso";

/** The samples in lines of `perf script -F comm,pid,ip,sym,dso`. Those without a stack are left out. */
export async function* samplesIn(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Sample> {
  let head: { command: string; pid: number } | undefined;
  let stack: Frame[] = [];
  for await (const line of lines) {
    const frame = frameOf(line);
    if (frame !== undefined) stack.push(frame);
    else {
      if (head !== undefined && stack.length > 0) yield { ...head, stack };
      stack = [];
      head = headOf(line);
    }
  }
  if (head !== undefined && stack.length > 0) yield { ...head, stack };
}

/** `acceptutils: tl  7353 `: names may hold blanks. */
function headOf(line: string): { command: string; pid: number } | undefined {
  const [, command = "", pid] = /^(\S.*?)\s+(\d+)\s*$/.exec(line) ?? [];
  return pid === undefined ? undefined : { command, pid: Number(pid) };
}

/** `    7fcc780c65d8 JS:+'afterShutdown node:net:836:23 (/tmp/perf-7353.map)`: names may hold parentheses. */
function frameOf(line: string): Frame | undefined {
  const [, address, symbol = "", object = ""] = /^\s+([0-9a-f]+) (.*) \((.*)\)$/.exec(line) ?? [];
  if (address === undefined) return undefined;
  return { symbol, object, kernel: /^f{4}[0-9a-f]{12}$/.test(address) };
}

/** A function in JavaScript, as `--perf-basic-prof` names it. */
export interface Script {
  /** Empty where it has none. */
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

/** The function of a frame; undefined for what is no JavaScript. The marks before the name tell how it is compiled. */
export function scriptOf({ symbol }: Frame): Script | undefined {
  const [, name = "", file, line] =
    /^(?:JS|Script|Eval|Function|LazyCompile):[~^+*']*(\S*) (.*?):(\d+):\d+$/.exec(symbol) ?? [];
  return file === undefined ? undefined : { name, file, line: Number(line) };
}

/** True for what was built from src/. */
export const isOurs = ({ file }: Script) => /(^|\/)(acceptutils[-\w]*\.parts|app\.cjs)$/.test(file);
