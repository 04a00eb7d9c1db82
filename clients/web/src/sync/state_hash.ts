// The order-free hash over a device's records: each digest read as four little-endian 64-bit numbers,
// added lane by lane modulo 2^64. As 64 hex digits; empty stands for zeros.
import { fromHex, toHex } from '../model/ids.ts';

const SIZE = 32;

export class StateHash {
  private readonly bytes = new Uint8Array(SIZE);
  private readonly lanes = new DataView(this.bytes.buffer);

  constructor(hex = '') {
    if (hex !== '') this.add(hex);
  }

  add(digest: string): void {
    this.sum(digest, 1n);
  }

  remove(digest: string): void {
    this.sum(digest, -1n);
  }

  hex(): string {
    return toHex(this.bytes);
  }

  private sum(digest: string, sign: bigint): void {
    const added = new DataView(fromHex(digest).buffer);
    for (let at = 0; at < SIZE; at += 8) {
      const sum = this.lanes.getBigUint64(at, true) + sign * added.getBigUint64(at, true);
      this.lanes.setBigUint64(at, BigInt.asUintN(64, sum), true);
    }
  }
}
