/** What kind of work a sample found: the nearest call that says so. Who called it does not matter. */
import { type Frame, isOurs, type Sample, scriptOf } from "./samples.ts";

/** In the order of the table. */
export const kinds = [
  "our own code",
  "Node.js in JavaScript: streams, sockets, ticks",
  "JavaScript that is interpreted, of both",
  "Node.js and libuv in C++",
  "OpenSSL",
  "the kernel: TCP",
  "the kernel: between processes",
  "the kernel: files and flushes",
  "the kernel: memory, exec, fork",
  "the kernel: all else",
  "V8 compiling",
  "V8 collecting garbage",
  "V8 starting: snapshot and code cache",
  "V8, for nobody in JavaScript",
  "promises",
  "SQLite",
  "the C library: memory, clock",
  "the dynamic linker",
  "other programs",
] as const;

export type Kind = (typeof kinds)[number];

/** Undefined for what is only there because somebody looks: V8 that writes the names of functions for perf. */
export function kindOf({ stack }: Pick<Sample, "stack">): Kind | undefined {
  const own = stack.filter(({ kernel }) => !kernel);
  if (own.some(({ symbol }) => looking.test(symbol))) return undefined;
  const leaf = stack[0];
  if (leaf?.kernel) return kernelKind(stack.filter(({ kernel }) => kernel));
  // What is above the nearest function in JavaScript is no part of what that one asked for.
  const script = own.findIndex((frame) => scriptOf(frame) !== undefined);
  const native = script === -1 ? own : own.slice(0, script);
  for (const [kind, names, depth] of byName) {
    if (native.slice(0, depth).some(({ symbol }) => names.test(symbol))) return kind;
  }
  if (leaf !== undefined && /\/ld-linux[^/]*$/.test(leaf.object)) return "the dynamic linker";
  if (leaf !== undefined && /\/lib(c|m|pthread)[.-][^/]*$|^\[vdso\]$/.test(leaf.object)) {
    return isElsewhere(own) ? "other programs" : "the C library: memory, clock";
  }
  return nearest(own);
}

const looking = /PerfBasicLogger|ExternalLogEventListener|ExistingCodeLogger|LogEventListener|V8FileLogger/;

/** The first of these whose names are among so many of the innermost calls. */
const byName: readonly [kind: Kind, names: RegExp, depth: number][] = [
  [
    "V8 collecting garbage",
    /Scaveng|Marking|Sweep|Evacuat|GCTracer|MarkCompact|Heap::(Collect|Scavenge|Perform)|MinorGC|Builtins_RecordWrite/,
    Number.POSITIVE_INFINITY,
  ],
  [
    "V8 compiling",
    /compiler::|[Mm]aglev|turboshaft|baseline::|Compiler::|parsing::|\b(Pre)?Parser(Base|Impl)?\b|interpreter::|OptimizingCompile|Deoptimizer|CompileLazy|Tiering/,
    Number.POSITIVE_INFINITY,
  ],
  [
    "V8 starting: snapshot and code cache",
    /v8::internal::Snapshot|Deserializer|Isolate::Init|CodeSerializer|ReadOnlyHeap|V8::Initialize|IsolateData/,
    Number.POSITIVE_INFINITY,
  ],
  [
    "OpenSSL",
    /^(SSL_|ssl3_|tls1?3?_|ssl_|ossl_|EVP_|OPENSSL_|CRYPTO_|ec_|ecp_|x25519|fe51|aes|gcm_|sha\d|BN_|bn_|EC_|OSSL|ChaCha|poly1305|RAND_|rand_|drbg|evp_|HMAC|hmac|err_|ERR_|ASN1|asn1|d2i|i2d|X509|x509|BIO_|bio_|HKDF|hkdf|kdf|argon2|blake2|conf_|CONF_|def_load|provider_|PEM_|pem_|lh_|OPENSSL)/,
    12,
  ],
  ["SQLite", /sqlite3/, 14],
  ["promises", /Promise|Microtask|Await|AsyncFunction|AsyncGenerator|ResumeGenerator/, 1],
];

const kernelKinds: readonly [kind: Kind, names: RegExp][] = [
  [
    "the kernel: files and flushes",
    /ext4|xfs_|btrfs|overlay|ovl_|fsync|fdatasync|jbd2|submit_bio|blk_|blkdev|pwrite|filemap_(read|write|fdatawa)|generic_perform_write|iomap|virtblk|do_writepages|newstat|newfstat|statx|do_sys_open|path_openat|getdents|rename|unlink|readlink|vfs_(open|stat|read_iter)|shmem_file|tmpfs/,
  ],
  ["the kernel: between processes", /^unix_|pipe_(read|write)|futex|eventfd|signalfd|do_send_(sig|specific)/],
  ["the kernel: TCP", /tcp_|inet_|^ip_|loopback|dev_queue_xmit|net_rx|sk_stream|sock_def_readable/],
  [
    "the kernel: memory, exec, fork",
    /page_fault|exc_page|do_mmap|vm_mmap|munmap|mprotect|madvise|brk|exit_mm|mmput|execve|bprm|load_elf|clone|copy_process|do_exit|do_group_exit|wait4/,
  ],
];

function kernelKind(stack: readonly Frame[]): Kind {
  const kind = kernelKinds.find(([, names]) => stack.some(({ symbol }) => names.test(symbol)));
  return kind?.[0] ?? "the kernel: all else";
}

/** Another program than Node.js. A stack may end early: one of libraries only says nothing. */
const isElsewhere = (stack: readonly Frame[]) =>
  stack.some(
    ({ object }) => object.startsWith("/") && !/\/node$|\/perf-\d+\.map$|\.so(\.[\d.]+)?$/.test(object),
  );

const inNode = /^(non-virtual thunk to )?node::|^uv_/;

/** It has no name of its own, unless V8 was told to give it one. */
const interpreted = /^Builtins_InterpreterEntryTrampoline|^Builtins_BaselineOutOfLine/;

/** V8's own functions work for whoever called them. */
function nearest(stack: readonly Frame[]): Kind {
  for (const frame of stack) {
    const script = scriptOf(frame);
    if (script !== undefined) {
      return isOurs(script) ? "our own code" : "Node.js in JavaScript: streams, sockets, ticks";
    }
    if (interpreted.test(frame.symbol)) return "JavaScript that is interpreted, of both";
    if (inNode.test(frame.symbol)) return "Node.js and libuv in C++";
  }
  if (isElsewhere(stack)) return "other programs";
  return stack.some(({ symbol }) => /v8::|^Builtins_/.test(symbol))
    ? "V8, for nobody in JavaScript"
    : "Node.js and libuv in C++";
}
