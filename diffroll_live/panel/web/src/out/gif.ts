// GIF 89a: frames of palette indices, compressed as the format has it (LZW with codes of growing length). No library.

export interface Frame {
  pixels: Uint8Array; // width * height indices, from the top left
  hundredths: number; // of a second that it is shown
}

const CODE_BITS = 8;
const LARGEST_CODE = 4095;

/** Write frames of one size that share a palette of up to 256 colours, [r, g, b] each; they are repeated for ever. */
export function gif(width: number, height: number, palette: readonly (readonly [number, number, number])[], frames: readonly Frame[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const short = (value: number) => bytes.push(value & 255, value >> 8);
  const text = (letters: string) => bytes.push(...[...letters].map((letter) => letter.charCodeAt(0)));
  text("GIF89a");
  short(width);
  short(height);
  bytes.push(0xf7, 0, 0); // a palette of 256 colours; its first is the background
  for (let index = 0; index < 256; index++) bytes.push(...(palette[index] ?? [0, 0, 0]));
  bytes.push(0x21, 0xff, 11);
  text("NETSCAPE2.0");
  bytes.push(3, 1, 0, 0, 0); // again and again
  for (const frame of frames) {
    bytes.push(0x21, 0xf9, 4, 0);
    short(frame.hundredths);
    bytes.push(0, 0, 0x2c, 0, 0, 0, 0);
    short(width);
    short(height);
    bytes.push(0, CODE_BITS);
    const packed = compress(frame.pixels);
    for (let at = 0; at < packed.length; at += 255) {
      const block = packed.slice(at, at + 255);
      bytes.push(block.length);
      for (const byte of block) bytes.push(byte);
    }
    bytes.push(0);
  }
  bytes.push(0x3b);
  return new Uint8Array(bytes);
}

/** LZW: codes of strings of pixels, first of 9 bits, then of more as the table grows, which starts over when full. */
export function compress(pixels: Uint8Array): number[] {
  const [clear, end] = [1 << CODE_BITS, (1 << CODE_BITS) + 1];
  const out: number[] = [];
  let [table, next, bits] = [new Map<number, number>(), end + 1, CODE_BITS + 1];
  let [held, count] = [0, 0]; // bits that are not written yet
  const write = (code: number) => {
    held |= code << count;
    for (count += bits; count >= 8; count -= 8) {
      out.push(held & 255);
      held >>>= 8;
    }
  };
  write(clear);
  let prefix = pixels[0] ?? 0;
  for (let at = 1; at < pixels.length; at++) {
    const pixel = pixels[at]!;
    const key = (prefix << 8) | pixel;
    const known = table.get(key);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    write(prefix);
    if (next > LARGEST_CODE) {
      write(clear);
      [table, next, bits] = [new Map(), end + 1, CODE_BITS + 1];
    } else {
      table.set(key, next);
      if (next++ === 1 << bits) bits++;
    }
    prefix = pixel;
  }
  write(prefix);
  write(end);
  if (count > 0) out.push(held & 255);
  return out;
}
