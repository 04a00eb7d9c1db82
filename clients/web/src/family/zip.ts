// Several files as one: a ZIP archive that keeps them as they are (PKWARE's APPNOTE, 4.3). Pure.

// The checksum of ZIP, with the polynomial of IEEE 802.3.
const kSums = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; ++bit) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum;
});

function crc32(bytes: Uint8Array): number {
  let sum = ~0;
  for (const byte of bytes) sum = (sum >>> 8) ^ (kSums[(sum ^ byte) & 0xff] ?? 0);
  return ~sum >>> 0;
}

// Numbers of two or four bytes, the lowest byte first.
function fields(...numbers: [bytes: 2 | 4, number: number][]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(numbers.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, number] of numbers) {
    if (bytes === 2) view.setUint16(at, number, true);
    else view.setUint32(at, number, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

// The texts by the names of their files, which say that they were made at `at`.
export function zip(files: ReadonlyMap<string, string>, at: Date): Blob {
  const time = (at.getHours() << 11) | (at.getMinutes() << 5) | (at.getSeconds() >> 1);
  const date = ((at.getFullYear() - 1980) << 9) | ((at.getMonth() + 1) << 5) | at.getDate();
  const encoder = new TextEncoder();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  const sizeOf = (list: Uint8Array[]) => list.reduce((sum, { length }) => sum + length, 0);
  for (const [name, text] of files) {
    const named = encoder.encode(name);
    const bytes = encoder.encode(text);
    const offset = sizeOf(parts);
    // What both headers say. Version 2.0; the name is UTF-8; stored, not packed.
    const about = fields(
      [2, 20],
      [2, 0x0800],
      [2, 0],
      [2, time],
      [2, date],
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, named.length],
      [2, 0],
    );
    parts.push(fields([4, 0x04034b50]), about, named, bytes);
    // No comment, the first disk, no attributes.
    const place = fields([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]);
    directory.push(fields([4, 0x02014b50], [2, 20]), about, place, named);
  }
  const end = fields(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, files.size],
    [2, files.size],
    [4, sizeOf(directory)],
    [4, sizeOf(parts)],
    [2, 0],
  );
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}
