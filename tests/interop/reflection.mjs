// What the server's reflection tells of its types.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const REFLECTION_PROTO = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@grpc/reflection')),
  '../proto/grpc/reflection/v1alpha/reflection.proto');

// One serialized FileDescriptorSet (field 1: the files) of all files that define `symbols`.
export async function reflect(address, symbols) {
  const loaded = grpc.loadPackageDefinition(
    await protoLoader.load(REFLECTION_PROTO, { keepCase: true, oneofs: true }));
  const client = new loaded.grpc.reflection.v1alpha.ServerReflection(
    address, grpc.credentials.createInsecure());
  const stream = client.ServerReflectionInfo();
  const files = new Map();
  for (const symbol of symbols) {
    stream.write({ file_containing_symbol: symbol });
    const [answer] = await once(stream, 'data');
    assert.equal(answer.message_response, 'file_descriptor_response', symbol);
    for (const file of answer.file_descriptor_response.file_descriptor_proto) {
      files.set(file.toString('base64'), file);
    }
  }
  stream.end();
  client.close();
  return Buffer.concat([...files.values()].flatMap((file) => [fieldHeader(file.length), file]));
}

// Tag of field 1, length-delimited, and a length.
function fieldHeader(length) {
  const bytes = [0x0a];
  for (; length > 0x7f; length >>>= 7) bytes.push((length & 0x7f) | 0x80);
  return Buffer.from([...bytes, length]);
}
