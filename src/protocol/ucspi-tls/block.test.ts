import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  BlockParser,
  BlockReader,
  blockItems,
  blockOf,
  commandOf,
  maximumBlockOctets,
  NoBlock,
  parseBlock,
} from "./block.ts";
import { applyBlock, takeTlsLevel } from "./level.ts";

/** Reads `bytes` in two chunks, cut at `at`. */
function read(bytes: Uint8Array, at: number): ReadonlyMap<string, string | undefined> {
  const reader = new BlockReader();
  return reader.take(bytes.subarray(0, at)) ?? reader.take(bytes.subarray(at)) ?? reader.atEnd();
}

const replies: Record<string, [string, [string, string | undefined][]]> = {
  "as ucspi-ssl writes it": [
    "SSL_PROTOCOL=TLSv1.3\0SSL_CIPHER=X\0\0",
    [
      ["SSL_PROTOCOL", "TLSv1.3"],
      ["SSL_CIPHER", "X"],
    ],
  ],
  "a bare name is to be unset (s6)": [
    "SSL_A=1\0SSL_B\0\0",
    [
      ["SSL_A", "1"],
      ["SSL_B", undefined],
    ],
  ],
  "nothing to say": ["\0\0", []],
  "a value may be empty and have an equals sign": [
    "SSL_A=\0SSL_B=/CN=x\0\0",
    [
      ["SSL_A", ""],
      ["SSL_B", "/CN=x"],
    ],
  ],
  "a value may have lines": ["SSL_CERT=a\nb\n\0\0", [["SSL_CERT", "a\nb\n"]]],
  "other names are none of its business": ["PATH=/evil\0SSL_A=1\0LD_PRELOAD=x\0\0", [["SSL_A", "1"]]],
};
for (const [name, [text, expected]] of Object.entries(replies)) {
  test(`${name}, at every cut`, () => {
    const bytes = Buffer.from(text, "latin1");
    for (let at = 0; at <= bytes.length; at++)
      assert.deepEqual([...read(bytes, at)], expected, `cut at ${at}`);
  });
}

test("no byte at all is a failed handshake", () => {
  assert.throws(() => new BlockReader().atEnd(), NoBlock);
});

test("a reply that is cut anywhere says what was whole, or nothing; never half of a name or a value", () => {
  const bytes = Buffer.from("SSL_PROTOCOL=TLSv1.3\0SSL_CIPHER\0SSL_X=1\0\0");
  const whole = [...parseBlock(bytes)];
  for (let end = 0; end < bytes.length; end++) {
    const reader = new BlockReader();
    const cut = bytes.subarray(0, end);
    const items = cut.toString("latin1").split("\0").length - 1;
    if (reader.take(cut) !== undefined) assert.fail(`complete at ${end}`);
    if (items === 0) assert.throws(() => reader.atEnd(), NoBlock, `cut at ${end}`);
    else assert.deepEqual([...reader.atEnd()], whole.slice(0, items), `cut at ${end}`);
  }
});

test("no bytes, in whatever pieces, make more of a reply than there is", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 20 }), (chunks) => {
      const reader = new BlockReader();
      const together = Buffer.concat(chunks);
      const end = together.indexOf("\0\0");
      let block: ReadonlyMap<string, string | undefined> | undefined;
      for (const chunk of chunks) block ??= reader.take(chunk);
      if (end < 0) assert.equal(block, undefined);
      else assert.deepEqual(block, parseBlock(together.subarray(0, end + 2)));
      for (const name of block?.keys() ?? []) assert.match(name, /^SSL_[A-Z0-9_]+$/);
    }),
  );
});

test("what a program asks for is its first byte", () => {
  for (const [text, asked] of [
    ["y", "start"],
    ["Y", "startAndReport"],
    ["Yy", "startAndReport"],
    ["yEHLO", "start"],
    ["", undefined],
    ["X", undefined],
    ["\0Y", undefined],
    [" y", undefined],
  ] as const)
    assert.equal(commandOf(Buffer.from(text)), asked, JSON.stringify(text));
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
      assert.equal(commandOf(bytes) === undefined, bytes[0] !== 0x59 && bytes[0] !== 0x79);
    }),
  );
});

test("a server that never ends is not listened to", () => {
  const reader = new BlockReader();
  assert.throws(() => {
    for (let sent = 0; sent <= maximumBlockOctets; sent += 65536) reader.take(Buffer.alloc(65536, "x"));
  }, NoBlock);
});

test("what is written is read", () => {
  const value = fc.string({ unit: "grapheme-ascii" });
  const name = fc.stringMatching(/^SSL_[A-Z0-9_]{1,20}$/);
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, fc.option(value, { nil: undefined })), { selector: ([key]) => key }),
      (pairs) => {
        const bytes = Buffer.from(blockOf(new Map(pairs)));
        assert.deepEqual([...read(bytes, bytes.length >> 1)], pairs);
      },
    ),
  );
});

test("an environment that shares gets what is common at once, and then a session's own", () => {
  const env = new Map([["SSL_OLD", "1"]]);
  const shared: ReadonlyMap<string, string>[] = [];
  const sharing = Object.assign(env, { setAll: (all: ReadonlyMap<string, string>) => shared.push(all) });
  const parser = new BlockParser();
  const common = blockItems([["SSL_PROTOCOL", "TLSv1.3"]]);
  for (const own of ["1", "2"])
    applyBlock(
      sharing,
      parser.parse(
        common,
        blockOf([
          ["SSL_OLD", undefined],
          ["SSL_NEW", own],
        ]),
      ),
    );
  assert.deepEqual([...env], [["SSL_NEW", "2"]]);
  assert.deepEqual([...shared[0]!], [["SSL_PROTOCOL", "TLSv1.3"]]);
  assert.equal(shared[0], shared[1]);
});

test("blocks that begin alike are read as if each came alone", () => {
  const parser = new BlockParser();
  // More beginnings than are remembered, and each of them twice.
  for (let round = 0; round < 2; round++) {
    for (let beginning = 0; beginning < 20; beginning++) {
      const common: [string, string][] = [["SSL_PROTOCOL", `${beginning}`]];
      const own: [string, string | undefined][] = [
        ["SSL_TLS_EXPORTER", `${round}`],
        ["SSL_CIPHER", undefined],
      ];
      const block = parser.parse(blockItems(common), blockOf(own));
      assert.deepEqual([...block], [...common, ...own]);
    }
  }
  assert.deepEqual([...parser.parse(blockItems([]), blockOf([["SSL_A", "1"]]))], [["SSL_A", "1"]]);
});

for (const [env, level] of [
  [{}, "unavailable"],
  [{ UCSPITLS: "-" }, "unavailable"],
  [{ UCSPITLS: "" }, "available"],
  [{ UCSPITLS: "yes" }, "available"],
  [{ UCSPITLS: "!" }, "required"],
  [{ UCSPITLS: "!", DISABLETLS: "" }, "unavailable"],
] as const) {
  test(`${JSON.stringify(env)} is TLS ${level}, and the next program is not told`, () => {
    const map = new Map<string, string>(Object.entries(env));
    assert.equal(takeTlsLevel(map), level);
    assert.equal(map.size, 0);
  });
}

test("a block sets and unsets", () => {
  const env = new Map([["SSL_OLD", "1"]]);
  applyBlock(
    env,
    new Map<string, string | undefined>([
      ["SSL_OLD", undefined],
      ["SSL_NEW", "2"],
    ]),
  );
  assert.deepEqual([...env], [["SSL_NEW", "2"]]);
});
