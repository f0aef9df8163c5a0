import assert from "node:assert/strict";
import { test } from "node:test";
import { compress, gif } from "../../../diffroll_live/panel/web/src/out/gif.js";
import { wav } from "../../../diffroll_live/panel/web/src/sound/mixdown.js";

/** What a reader of GIFs makes of compressed pixels, after the format's own rules. */
function expand(bytes: readonly number[]): number[] {
  const out: number[] = [];
  let table: number[][] = [];
  let [bits, held, count, at] = [9, 0, 0, 0];
  let before: number[] | null = null;
  for (;;) {
    while (count < bits) {
      held |= bytes[at++]! << count;
      count += 8;
    }
    const code = held & ((1 << bits) - 1);
    held >>>= bits;
    count -= bits;
    if (code === 257) return out;
    if (code === 256) {
      table = Array.from({ length: 258 }, (_, value) => [value]);
      [bits, before] = [9, null];
      continue;
    }
    const entry: number[] = table[code] ?? [...before!, before![0]!];
    out.push(...entry);
    if (before && table.length < 4096) table.push([...before, entry[0]!]);
    if (table.length === 1 << bits && bits < 12) bits++;
    before = entry;
  }
}

test("compressed pixels come back, whether they repeat or not, and where the table is full", () => {
  const noise = Uint8Array.from({ length: 40_000 }, (_, index) => (index * 7919 + (index >> 3) * 104_729) & 255);
  for (const pixels of [new Uint8Array(5000), Uint8Array.from([7]), noise]) assert.deepEqual(expand(compress(pixels)), [...pixels]);
});

test("a GIF has its size, its colours and an end", () => {
  const made = gif(3, 2, [[1, 2, 3]], [{ pixels: new Uint8Array(6), hundredths: 4 }]);
  assert.equal(String.fromCharCode(...made.subarray(0, 6)), "GIF89a");
  assert.deepEqual([...made.subarray(6, 10)], [3, 0, 2, 0]);
  assert.deepEqual([...made.subarray(13, 16)], [1, 2, 3]);
  assert.equal(made.at(-1), 0x3b);
});

test("a WAV file says what it holds, and what is too loud is turned down as a whole", () => {
  const view = new DataView(wav(Float32Array.from([0, 2, -1]), 8000));
  assert.equal(view.getUint32(24, true), 8000);
  assert.equal(view.getUint32(40, true), 6);
  assert.equal(view.getInt16(46, true), Math.round(0.98 * 32767));
  assert.equal(view.getInt16(48, true), Math.round(-0.49 * 32767));
});
