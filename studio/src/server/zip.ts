// Several files as one ZIP, stored and not compressed: for formats that consist of more than one file.

interface Entry {
  name: string;
  content: Uint8Array<ArrayBuffer>;
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const UTF8_NAMES = 0x0800;
const FIRST_OF_1980 = 0x21;

export function zip(entries: Entry[]): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const title = new TextEncoder().encode(name);
    const common = [20, UTF8_NAMES, 0, 0, FIRST_OF_1980];
    const sizes = [crc32(content), content.length, content.length];
    const head = bytes([LOCAL, ...sizes], [...common], [title.length, 0], "local");
    const entry = bytes([CENTRAL, ...sizes, offset], [...common], [title.length, 0, 0, 0, 0], "central");
    parts.push(head, title, content);
    directory.push(entry, title);
    offset += head.length + title.length + content.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, END, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, offset, true);
  return new Blob([...parts, ...directory, new Uint8Array(end.buffer)], { type: "application/zip" });
}

function bytes(words: number[], common: number[], tail: number[], kind: "local" | "central"): Uint8Array<ArrayBuffer> {
  const [signature, crc, stored, size, offset] = words as [number, number, number, number, number?];
  const view = new DataView(new ArrayBuffer(kind === "local" ? 30 : 46));
  view.setUint32(0, signature, true);
  let at = 4;
  const short = (value: number) => (view.setUint16(at, value, true), (at += 2));
  const long = (value: number) => (view.setUint32(at, value, true), (at += 4));
  if (kind === "central") short(20);
  common.forEach(short);
  [crc, stored, size].forEach(long);
  tail.forEach(short);
  if (kind === "central") {
    long(0);
    long(offset!);
  }
  return new Uint8Array(view.buffer);
}

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(content: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of content) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255]!;
  return (crc ^ 0xffffffff) >>> 0;
}
