// The server's services, each call with its deadline and the device's token.
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect';
import { FamilyService } from '../gen/nightlog/v1/family_service_pb.js';
import { ImportService } from '../gen/nightlog/v1/import_service_pb.js';
import { ProgressService } from '../gen/nightlog/v1/progress_service_pb.js';
import { SyncService } from '../gen/nightlog/v1/sync_service_pb.js';

// Bounds each call but streams.
export const CALL_TIMEOUT_MS = 20_000;
export const CALL = { timeoutMs: CALL_TIMEOUT_MS } as const;
// Carries a file up, or a part of it.
export const FILE_CALL = { timeoutMs: 120_000 } as const;
// Brings all of a family down.
export const EXPORT_CALL = { timeoutMs: 600_000 } as const;
// A stream that is kept has no deadline.
export const STREAM = { timeoutMs: 0 } as const;

export interface Calls {
  sync: Client<typeof SyncService>;
  family: Client<typeof FamilyService>;
  progress: Client<typeof ProgressService>;
  imports: Client<typeof ImportService>;
}

export type MakeTransport = (interceptors: Interceptor[]) => Transport;

// `token` is read for each call that brings none of its own; empty: the device is not paired.
export function makeCalls(makeTransport: MakeTransport, token: () => Promise<string>): Calls {
  const authorize: Interceptor = (next) => async (request) => {
    if (request.header.has('authorization')) return next(request);
    const device = await token();
    if (device) request.header.set('authorization', `Bearer ${device}`);
    try {
      return await next(request);
    } catch (error) {
      // It may have been exchanged meanwhile.
      const newer = await token();
      if (ConnectError.from(error).code !== Code.Unauthenticated || newer === device) throw error;
      request.header.set('authorization', `Bearer ${newer}`);
      return next(request);
    }
  };
  const transport = makeTransport([authorize]);
  return {
    sync: createClient(SyncService, transport),
    family: createClient(FamilyService, transport),
    progress: createClient(ProgressService, transport),
    imports: createClient(ImportService, transport),
  };
}
