/**
 * The first file of the built program: it loads the parts of acceptutils.parts (the build names it after what is in it) as
 * they are needed, each with the code that was compiled for it. tools/parts.ts writes that file. What is changed in its
 * sources by hand has no effect: the compiled code runs.
 *
 * The file stays open: who has become somebody else, or is in another root, could not open it again, and after an upgrade
 * it would be another one.
 */
const { fstatSync, openSync, readSync } = require("node:fs");
const { Script } = require("node:vm");

const file = `${__dirname}/acceptutils.parts`;
let fd;
/** Where each part is: its source and its code, as offset and octets, and the lines before it. */
let index;
const loaded = new Map();

function read(at, octets) {
  const bytes = Buffer.allocUnsafeSlow(octets);
  for (let done = 0; done < octets; ) {
    const more = readSync(fd, bytes, done, octets - done, at + done);
    if (more === 0) throw new Error("it is too short");
    done += more;
  }
  return bytes;
}

function readIndex() {
  fd = openSync(file);
  const { size } = fstatSync(fd);
  const octets = size < 8 ? Number.NaN : Number(read(size - 8, 8).latin1Slice());
  if (!(octets > 0 && octets < size)) throw new Error("it does not end as it should");
  index = JSON.parse(read(size - 8 - octets, octets).latin1Slice());
}

/** What a part exports. */
function part(name) {
  const before = loaded.get(name);
  if (before !== undefined) return before;
  const { source, code, line } = index[name];
  // Code that another Node.js has compiled is compiled again: V8 sees to that.
  const script = new Script(read(...source).latin1Slice(), {
    filename: file,
    lineOffset: line,
    cachedData: read(...code),
  });
  const exported = script.runInThisContext()(require, part, file, __dirname);
  loaded.set(name, exported);
  return exported;
}

try {
  readIndex();
} catch (error) {
  // Temporarily: nobody is to hear that a password was wrong, or that a message was taken.
  process.stderr.write(`acceptutils: unable to read ${file}: ${error.message}; install it again\n`);
  process.exit(111);
}
part("main.js");
