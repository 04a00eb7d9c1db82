// The two gRPC-Web clients that browsers use keep a night and follow it live: gRPC's own, which
// speaks text over XMLHttpRequest, and Connect's, which speaks binary over fetch.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createFileRegistry, fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import grpcWeb from 'grpc-web';

import { chainHash, newId, startDaemon, stateHash } from './nightlogd.mjs';
import { reflect } from './reflection.mjs';
import { XMLHttpRequest } from './xhr.mjs';

globalThis.XMLHttpRequest = XMLHttpRequest;

let daemon;
let types;
let json;

before(async () => {
  daemon = await startDaemon();
  const set = fromBinary(FileDescriptorSetSchema, await reflect(daemon.address, [
    'nightlog.v1.FamilyService', 'nightlog.v1.SyncService', 'google.rpc.Status',
    'google.rpc.BadRequest',
  ]));
  // The registry wants each file after those it imports.
  const files = new Set();
  const add = (file) => {
    for (const name of file.dependency) add(set.file.find((imported) => imported.name === name));
    files.add(file);
  };
  set.file.forEach(add);
  set.file = [...files];
  types = createFileRegistry(set);
  // Reflection tells no JSON names.
  json = { useProtoFieldName: true, registry: types };
});
after(async () => {
  if (daemon) assert.equal(await daemon.stop(), 0, 'nightlogd ends in order');
});

// `FamilyService/Join` and the like.
function methodOf(path) {
  const [service, name] = path.split('/');
  const found = types.getService(`nightlog.v1.${service}`).methods.find((m) => m.name === name);
  assert.ok(found, path);
  return found;
}

const bearer = (token) => (token ? { authorization: `Bearer ${token}` } : {});

// The error of a call as both clients can tell it: `rpc` is the google.rpc.Status.
class CallError extends Error {
  constructor(code, message, rpc) {
    super(message);
    this.code = code;
    this.rpc = rpc;
  }
}

// A client: call(path, request, token) resolves to the answer; follow(path, request, token, onMessage)
// resolves when onMessage has returned true. Requests and answers are JSON.
class GrpcWebClient {
  #client = new grpcWeb.GrpcWebClientBase({ format: 'text' });

  #descriptor({ parent, name, methodKind, input, output }) {
    return new grpcWeb.MethodDescriptor(
      `/${parent.typeName}/${name}`,
      methodKind === 'unary' ? grpcWeb.MethodType.UNARY : grpcWeb.MethodType.SERVER_STREAMING,
      Object, Object,
      (request) => toBinary(input, fromJson(input, request)),
      (bytes) => toJson(output, fromBinary(output, bytes), json));
  }

  #arguments(path, request, token) {
    const method = methodOf(path);
    return [`${daemon.url}${method.parent.typeName}/${method.name}`, request, bearer(token),
      this.#descriptor(method)];
  }

  #error(error) {
    const details = Buffer.from(error.metadata['grpc-status-details-bin'] ?? '', 'base64');
    return new CallError(error.code, error.message,
      fromBinary(types.getMessage('google.rpc.Status'), details));
  }

  async call(path, request, token) {
    return this.#client.unaryCall(...this.#arguments(path, request, token))
      .catch((error) => { throw this.#error(error); });
  }

  follow(path, request, token, onMessage) {
    return new Promise((resolve, reject) => {
      const stream = this.#client.serverStreaming(...this.#arguments(path, request, token));
      stream.on('error', (error) => reject(this.#error(error)));
      stream.on('end', () => reject(new Error('the stream ended')));
      let handled = Promise.resolve();
      stream.on('data', (message) => {
        handled = handled.then(() => onMessage(message)).then((enough) => {
          if (!enough) return;
          stream.cancel();
          resolve();
        }).catch(reject);
      });
    });
  }
}

class ConnectClient {
  #transport = createGrpcWebTransport({ baseUrl: daemon.url });

  #function(path) {
    const method = methodOf(path);
    return [method, createClient(method.parent, this.#transport)[method.localName]];
  }

  #error(error) {
    const { code, rawMessage, metadata } = ConnectError.from(error);
    const details = Buffer.from(metadata.get('grpc-status-details-bin') ?? '', 'base64');
    return new CallError(code, rawMessage,
      fromBinary(types.getMessage('google.rpc.Status'), details));
  }

  async call(path, request, token) {
    const [{ input, output }, unary] = this.#function(path);
    try {
      const answer = await unary(fromJson(input, request),
        { headers: bearer(token) });
      return toJson(output, answer, json);
    } catch (error) {
      throw this.#error(error);
    }
  }

  async follow(path, request, token, onMessage) {
    const [{ input, output }, stream] = this.#function(path);
    const messages = stream(fromJson(input, request),
      { headers: bearer(token) });
    for await (const message of messages) {
      if (await onMessage(toJson(output, message, json))) return;
    }
    throw new Error('the stream ended');
  }
}

const base64 = (buffer) => buffer.toString('base64');

for (const [name, Client] of [['grpc-web', GrpcWebClient], ['connect-web', ConnectClient]]) {
  test(`${name} creates a family, pushes, and sees the commit on an open stream`, async () => {
    const client = new Client();
    const { pairing } = await client.call('FamilyService/CreateFamily',
      { family_name: 'Interop', member_name: 'Browser', device_name: name });
    const token = pairing.device_token;
    const record_id = base64(newId());
    const edits = [
      { record_id, group: 1, child: { name: 'Robin' } },
      { record_id, group: 4, child: { home_zone: 'Europe/London' } },
    ];
    const clocks = { wall: new Date().toISOString() };
    const push = {
      family_id: pairing.family_id,
      replica_id: pairing.replica_id,
      sent_at: clocks,
      transactions: [{
        seq: 1, hash: base64(chainHash('', JSON.stringify(edits))), edits, made_at: clocks,
      }],
    };
    const records = new Map();
    let committed;
    await client.follow('SyncService/Follow', { family_id: pairing.family_id }, token,
      async (message) => {
        for (const record of message.records ?? []) records.set(record.record_id, record);
        if (message.bookmark && !committed) {
          const { verdicts } = await client.call('SyncService/Push', push, token);
          ({ committed } = verdicts[0]);
          assert.ok(committed, JSON.stringify(verdicts));
        }
        if (!records.has(record_id) || !message.bookmark) return false;
        assert.equal(message.bookmark.cursor.revision, committed.revision);
        assert.equal(message.bookmark.state_hash, base64(stateHash(
          [...records.values()].map((record) => Buffer.from(record.digest, 'base64')))));
        return true;
      });
    assert.deepEqual(records.get(record_id).child,
      { name: 'Robin', home_zone: 'Europe/London' });
  });

  test(`${name} is told the field and the reason of an error`, async () => {
    const client = new Client();
    const error = await client.call('FamilyService/CreateFamily',
      { member_name: 'Browser', device_name: name }).catch((caught) => caught);
    assert.equal(error.code, Code.InvalidArgument);
    assert.equal(error.message, 'family_name: is required');
    assert.equal(error.rpc.code, Code.InvalidArgument);
    const details = new Map(error.rpc.details.map((any) => {
      const type = any.typeUrl.split('/').pop();
      return [type, fromBinary(types.getMessage(type), any.value)];
    }));
    assert.deepEqual(details.get('google.rpc.BadRequest').fieldViolations.map((v) => v.field),
      ['family_name']);
    assert.equal(details.get('google.rpc.ErrorInfo').reason, 'INVALID_FIELD');
  });

  test(`${name} is told why a stream does not begin`, async () => {
    const error = await new Client().follow('SyncService/Follow', { family_id: base64(newId()) },
      'no token', async () => true).catch((caught) => caught);
    assert.match(String(error.message), /pair/i);
  });
}
