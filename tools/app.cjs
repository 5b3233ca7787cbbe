/**
 * The first file of the built program: it loads the parts of acceptutils.parts as they are needed, each with the code
 * that was compiled for it. tools/parts.ts writes that file.
 *
 * The file stays open: who has become somebody else, or is in another root, could not open it again, and after an upgrade
 * it would be another one.
 */
const { fstatSync, openSync, readSync } = require("node:fs");
const { Script } = require("node:vm");

const file = `${__dirname}/acceptutils.parts`;
const fd = openSync(file);

function read(at, octets) {
  const bytes = Buffer.allocUnsafeSlow(octets);
  for (let done = 0; done < octets; ) {
    const more = readSync(fd, bytes, done, octets - done, at + done);
    if (more === 0) throw new Error(`${file} is too short`);
    done += more;
  }
  return bytes;
}

const { size } = fstatSync(fd);
const indexOctets = Number(read(size - 8, 8).latin1Slice());
/** Where each part is: its source and its code, as offset and octets, and the lines before it. */
const index = JSON.parse(read(size - 8 - indexOctets, indexOctets).latin1Slice());
const loaded = new Map();

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

part("main.js");
