// Exchanges the device's token for a new one, as clients/cpp/token.h does.
import { fromHex } from '../model/ids.ts';
import type { Id, Instant } from '../model/types.ts';
import { CALL, type Calls } from './calls.ts';
import type { Replica } from './replica.ts';

// How old a token becomes.
const TOKEN_AGE_MS = 90 * 86_400_000;

async function announcement(familyId: Id, token: string) {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  return { familyId: fromHex(familyId), newTokenHash: new Uint8Array(hash) };
}

// Does nothing while the token is young. The new one is saved before it is announced: when the answer
// is lost, the next call ends the same way.
export async function rotateOldToken(
  familyId: Id,
  replica: Replica,
  calls: Calls,
  now: Instant,
): Promise<void> {
  const { tokenSince = 0 } = await replica.device();
  if (now - tokenSince < TOKEN_AGE_MS) return;
  const next = await replica.nextToken();
  await calls.family.rotateToken(await announcement(familyId, next), CALL);
  await replica.takeNextToken(next, now);
}

// For a server that does not know the device's token since it was restored from a backup of before the
// exchange: announces it again, by the one before. False: there was none before.
export async function announceTokenAgain(
  familyId: Id,
  replica: Replica,
  calls: Calls,
): Promise<boolean> {
  const { deviceToken, previousToken } = await replica.device();
  if (!previousToken) return false;
  const headers = { authorization: `Bearer ${previousToken}` };
  const request = await announcement(familyId, deviceToken);
  await calls.family.rotateToken(request, { ...CALL, headers });
  return true;
}
