// Exchanges the device's token for a new one, as clients/cpp/token.h does.
import type { CallOptions } from '@connectrpc/connect';
import { fromHex } from '../model/ids.ts';
import type { Instant } from '../model/types.ts';
import { CALL, type Calls } from './calls.ts';
import { toAppError } from './errors.ts';
import type { Replica } from './replica.ts';

// How old a token becomes.
const TOKEN_AGE_MS = 90 * 86_400_000;

// Announces a token that is to be the device's in all its families. The server takes that in a family
// whose people may read of it, so that one where access ended does not do; those that seem open come
// first. What is against the device, or no answer, is the same in all of them.
async function announce(
  replica: Replica,
  calls: Calls,
  token: string,
  options: CallOptions,
): Promise<void> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  const newTokenHash = new Uint8Array(hash);
  const families = await replica.families();
  families.sort((a, b) => Number(a.closed !== '') - Number(b.closed !== ''));
  let refused: unknown;
  for (const { familyId } of families) {
    try {
      await calls.family.rotateToken({ familyId: fromHex(familyId), newTokenHash }, options);
      return;
    } catch (error) {
      const { reason } = toAppError(error);
      if (reason === 'unreachable' || reason === 'unknown_device') throw error;
      refused = error;
    }
  }
  throw refused;
}

// Does nothing while the token is young. The new one is saved before it is announced: when the answer
// is lost, the next call ends the same way.
export async function rotateOldToken(replica: Replica, calls: Calls, now: Instant): Promise<void> {
  const { tokenSince = 0 } = await replica.device();
  if (now - tokenSince < TOKEN_AGE_MS) return;
  const next = await replica.nextToken();
  await announce(replica, calls, next, CALL);
  await replica.takeNextToken(next, now);
}

// For a server that does not know the device's token since it was restored from a backup of before the
// exchange: announces it again, by the one before. False: there was none before.
export async function announceTokenAgain(replica: Replica, calls: Calls): Promise<boolean> {
  const { deviceToken, previousToken } = await replica.device();
  if (!previousToken) return false;
  const headers = { authorization: `Bearer ${previousToken}` };
  await announce(replica, calls, deviceToken, { ...CALL, headers });
  return true;
}
