/**
 * The system calls that Node.js does not offer, by way of its FFI. Nothing else in the project calls C.
 * Source: the Linux man pages of each call; sizes and offsets are those of 64-bit glibc and musl.
 */
import { closeSync, fstatSync, writeSync } from "node:fs";

type Word = number | bigint;
interface Calls {
  _exit(code: number): void;
  fcntl(fd: number, command: number, value: number): number;
  dup2(from: number, to: number): number;
  syncfs(fd: number): number;
  flock(fd: number, operation: number): number;
  getsockopt(fd: number, level: number, option: number, value: Buffer, length: Buffer): number;
  pipe2(pair: Buffer, flags: number): number;
  socketpair(domain: number, type: number, protocol: number, pair: Buffer): number;
  sendmsg(fd: number, message: Buffer, flags: number): bigint;
  recvmsg(fd: number, message: Buffer, flags: number): bigint;
  recv(fd: number, bytes: Buffer, length: bigint, flags: number): bigint;
  socket(domain: number, type: number, protocol: number): number;
  sendto(fd: number, bytes: Buffer, length: bigint, flags: number, address: Buffer, size: number): bigint;
  prctl(option: number, a: Word, b: Word, c: Word, d: Word): number;
  chroot(path: string): number;
  memfd_create(name: string, flags: number): number;
  signal(number: number, handler: bigint): bigint;
  errno(): number;
  address(memory: Buffer): bigint;
}

let loaded: Calls | undefined;

/** Loaded at first use: a program that needs none of it does not pay for it. */
function calls(): Calls {
  loaded ??= load();
  return loaded;
}

const int = "int32";

function load(): Calls {
  const ffi = process.getBuiltinModule("node:ffi");
  const { functions } = ffi.dlopen(null, {
    _exit: { arguments: [int], return: "void" },
    fcntl: { arguments: [int, int, int], return: int },
    dup2: { arguments: [int, int], return: int },
    syncfs: { arguments: [int], return: int },
    flock: { arguments: [int, int], return: int },
    getsockopt: { arguments: [int, int, int, "buffer", "buffer"], return: int },
    pipe2: { arguments: ["buffer", int], return: int },
    socketpair: { arguments: [int, int, int, "buffer"], return: int },
    sendmsg: { arguments: [int, "buffer", int], return: "int64" },
    recvmsg: { arguments: [int, "buffer", int], return: "int64" },
    recv: { arguments: [int, "buffer", "uint64", int], return: "int64" },
    socket: { arguments: [int, int, int], return: int },
    sendto: { arguments: [int, "buffer", "uint64", int, "buffer", int], return: "int64" },
    prctl: { arguments: [int, "uint64", "uint64", "uint64", "uint64"], return: int },
    chroot: { arguments: ["string"], return: int },
    memfd_create: { arguments: ["string", "uint32"], return: int },
    signal: { arguments: [int, "pointer"], return: "pointer" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  return {
    ...(functions as unknown as Omit<Calls, "errno" | "address">),
    errno: () => ffi.getInt32(functions.__errno_location() as bigint, 0),
    address: (memory) => ffi.getRawPointer(memory),
  };
}

/** A system call failed; `errno` is its number. */
export class SystemCallFailed extends Error {
  override readonly name = "SystemCallFailed";
  readonly errno: number;
  constructor(call: string, errno: number) {
    super(`${call}: errno ${errno}`);
    this.errno = errno;
  }
}

function check(call: string, result: number): number {
  if (result < 0) throw new SystemCallFailed(call, calls().errno());
  return result;
}

/** Ends the process at once. process.exit() would wait for a read(2) that never returns. */
export function exitNow(code: number): never {
  calls()._exit(code);
  throw new Error("_exit(2) came back");
}

const fGetFd = 1;
const fSetFd = 2;
const fGetFl = 3;
const fSetFl = 4;
const fDupFdCloexec = 1030;
const fdCloexec = 1;
const oNonblock = 0o4000;

/** Moves a descriptor to the lowest free number from `lowest` up; the old number is still open. */
export function duplicateFrom(fd: number, lowest: number): number {
  return check("fcntl", calls().fcntl(fd, fDupFdCloexec, lowest));
}

export function duplicateOnto(from: number, to: number): void {
  check("dup2", calls().dup2(from, to));
}

/** True when `fd` is open. */
export function isOpen(fd: number): boolean {
  return calls().fcntl(fd, fGetFd, 0) >= 0;
}

/** True for an open pipe or socket that Node.js did not open for itself: its own pipes and sockets never wait. */
export function wasInherited(fd: number): boolean {
  const flags = calls().fcntl(fd, fGetFl, 0);
  if (flags < 0 || (flags & oNonblock) !== 0) return false;
  const kind = fstatSync(fd);
  return kind.isFIFO() || kind.isSocket();
}

/** The next program is to inherit `fd`; Node.js closes all above 2 otherwise. */
export function keepAcrossExec(fd: number): void {
  const flags = check("fcntl", calls().fcntl(fd, fGetFd, 0));
  check("fcntl", calls().fcntl(fd, fSetFd, flags & ~fdCloexec));
}

/** Waiting reads and writes, which every foreign program expects. The mode belongs to the open file, not to us. */
export function setBlocking(fd: number): void {
  const flags = calls().fcntl(fd, fGetFl, 0);
  if (flags >= 0 && (flags & oNonblock) !== 0) calls().fcntl(fd, fSetFl, flags & ~oNonblock);
}

export function setNonBlocking(fd: number): void {
  const flags = calls().fcntl(fd, fGetFl, 0);
  if (flags >= 0) calls().fcntl(fd, fSetFl, flags | oNonblock);
}

const sigpipe = 13;
/** Node.js ignores SIGPIPE, and what is ignored stays so across execve(2). */
export function restoreSignalsForExec(): void {
  calls().signal(sigpipe, 0n);
}

/** After this, neither a set-user-id program nor file capabilities can raise what we are. */
export function forbidNewPrivileges(): void {
  check("prctl", calls().prctl(38, 1n, 0n, 0n, 0n)); // PR_SET_NO_NEW_PRIVS
}

/** No core file, and /proc/PID belongs to root: the memory cannot be read by others of the same user. */
export function hideMemory(): void {
  check("prctl", calls().prctl(4, 0n, 0n, 0n, 0n)); // PR_SET_DUMPABLE
}

/** The process gets SIGKILL when the thread that started it ends. */
export function dieWithParent(): void {
  check("prctl", calls().prctl(1, 9n, 0n, 0n, 0n)); // PR_SET_PDEATHSIG
}

/** The groups of a user of the machine; false when the machine knows no such user. */
export function joinGroupsOf(user: string, gid: number): boolean {
  try {
    // Node.js has it; its types do not.
    (process as unknown as { initgroups(user: string, gid: number): void }).initgroups(user, gid);
    return true;
  } catch {
    return false;
  }
}

export function chroot(path: string): void {
  check("chroot", calls().chroot(path));
}

const afUnix = 1;
const sockStream = 1;
const sockDatagram = 2;
const sockSeqpacket = 5;
const sockCloexec = 0o2000000;

/** Two connected UNIX sockets. */
export function socketPair(kind: "stream" | "packets" = "stream"): [number, number] {
  const pair = Buffer.alloc(8);
  const type = (kind === "stream" ? sockStream : sockSeqpacket) | sockCloexec;
  check("socketpair", calls().socketpair(afUnix, type, 0, pair));
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** The end of a pipe that is read, and the one that is written. */
export function pipe(): [number, number] {
  const pair = Buffer.alloc(8);
  check("pipe2", calls().pipe2(pair, sockCloexec)); // O_CLOEXEC, by another name
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** A file in memory that holds `bytes`, for a process that wants a file and gets a descriptor. Close-on-exec. memfd_create(2) */
export function memoryFile(name: string, bytes: Uint8Array): number {
  const fd = check("memfd_create", calls().memfd_create(name, 1));
  writeSync(fd, bytes);
  return fd;
}

/** Everything on the file system of `fd` that was written before is on disk. syncfs(2) */
export function syncFileSystem(fd: number): void {
  check("syncfs", calls().syncfs(fd));
}

const lockShared = 1;
const lockExclusive = 2;
const lockNonBlocking = 4;

/**
 * Locks an open file, if that can be at once. The lock belongs to the open file: whoever inherits the descriptor
 * has it too, and it is there until the last of them has ended. flock(2)
 */
export function tryLock(fd: number, how: "shared" | "exclusive"): boolean {
  return calls().flock(fd, (how === "shared" ? lockShared : lockExclusive) | lockNonBlocking) === 0;
}

/** What has arrived on a socket, which stays there. Returns its octets: 0 at the end, undefined when nothing is there yet. */
export function peek(socket: number, into: Buffer): number | undefined {
  const octets = Number(calls().recv(socket, into, BigInt(into.length), msgDontwait | msgPeek));
  if (octets >= 0) return octets;
  const errno = calls().errno();
  return errno === eagain || errno === eintr ? undefined : 0;
}

/** Takes octets that have arrived off a socket. */
export function discard(socket: number, octets: number): void {
  check("recv", Number(calls().recv(socket, Buffer.alloc(octets), BigInt(octets), msgDontwait)));
}

/** Sends one datagram to the UNIX socket `path`; a first character @ is that of an abstract name. unix(7) */
export function sendDatagram(path: string, bytes: Buffer): void {
  const address = Buffer.alloc(2 + 108); // struct sockaddr_un
  if (path.length >= 108) throw new SystemCallFailed("sendto", 36); // ENAMETOOLONG
  address.writeUInt16LE(afUnix, 0);
  address.write(path.replace(/^@/, "\0"), 2, "latin1");
  const fd = check("socket", calls().socket(afUnix, sockDatagram | sockCloexec, 0));
  try {
    const length = BigInt(bytes.length);
    if (calls().sendto(fd, bytes, length, msgNosignal, address, 2 + path.length) < 0n)
      throw new SystemCallFailed("sendto", calls().errno());
  } finally {
    closeSync(fd);
  }
}

/** Who is at the other end of a connected UNIX socket: as of its connect(2). unix(7), SO_PEERCRED */
export function peerOf(socket: number): { readonly pid: number; readonly uid: number } {
  const credentials = Buffer.alloc(12); // struct ucred: pid, uid, gid
  const length = Buffer.alloc(4);
  length.writeInt32LE(credentials.length);
  check("getsockopt", calls().getsockopt(socket, 1, 17, credentials, length));
  return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4) };
}

// struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48; one iovec of one octet.
interface Message {
  readonly header: Buffer;
  readonly vector: Buffer;
  readonly octet: Buffer;
  readonly control: Buffer;
}

const maximumDescriptors = 8;
let outgoing: Message | undefined;
let incoming: Message | undefined;

function message(): Message {
  // Never from the pool, so that the address stays what it was.
  const [header, vector, octet, control] = [56, 16, 1, 64].map((size) =>
    Buffer.allocUnsafeSlow(size).fill(0),
  );
  const made = { header: header!, vector: vector!, octet: octet!, control: control! };
  made.vector.writeBigUInt64LE(calls().address(made.octet), 0);
  made.vector.writeBigUInt64LE(1n, 8);
  made.header.writeBigUInt64LE(calls().address(made.vector), 16);
  made.header.writeBigUInt64LE(1n, 24);
  made.header.writeBigUInt64LE(calls().address(made.control), 32);
  return made;
}

const msgPeek = 0x2;
const msgDontwait = 0x40;
const msgCmsgCloexec = 0x40000000;
const msgNosignal = 0x4000;
const eagain = 11;
const eintr = 4;

/**
 * Sends descriptors (1 to 8) over the UNIX packet socket `socket`: one packet of one octet that carries them.
 * False when the socket is full and nothing was sent. unix(7), SCM_RIGHTS
 */
export function sendDescriptors(socket: number, descriptors: readonly number[]): boolean {
  outgoing ??= message();
  const { header, control } = outgoing;
  const length = 16 + 4 * descriptors.length;
  control.writeUInt32LE(length, 0); // the upper half of each length stays 0
  control.writeInt32LE(1, 8); // SOL_SOCKET
  control.writeInt32LE(1, 12); // SCM_RIGHTS
  for (let at = 0; at < descriptors.length; at++) control.writeInt32LE(descriptors[at]!, 16 + 4 * at);
  header.writeUInt32LE((length + 7) & ~7, 40);
  for (;;) {
    if (calls().sendmsg(socket, header, msgDontwait | msgNosignal) >= 0n) return true;
    const errno = calls().errno();
    if (errno === eintr) continue;
    if (errno === eagain) return false;
    throw new SystemCallFailed("sendmsg", errno);
  }
}

/** The descriptors of the next packet, close-on-exec set; undefined when none is waiting. */
export function receiveDescriptors(socket: number): number[] | undefined {
  incoming ??= message();
  const { header, control } = incoming;
  for (;;) {
    header.writeUInt32LE(16 + 4 * maximumDescriptors, 40);
    if (calls().recvmsg(socket, header, msgDontwait | msgCmsgCloexec) >= 0n) break;
    const errno = calls().errno();
    if (errno === eintr) continue;
    if (errno === eagain) return undefined;
    throw new SystemCallFailed("recvmsg", errno);
  }
  if (header.readUInt32LE(40) < 16) return [];
  const descriptors: number[] = [];
  for (let at = 16; at < control.readUInt32LE(0); at += 4) descriptors.push(control.readInt32LE(at));
  return descriptors;
}
