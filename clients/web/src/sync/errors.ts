// What went wrong in a call, as the app says it.
import { Code, ConnectError } from '@connectrpc/connect';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../gen/google/rpc/error_details_pb.js';
import { ErrorReasonSchema } from '../gen/nightlog/v1/error_reason_pb.js';
import { AppError, type ErrorReason, type FieldViolation } from '../model/types.ts';

const DOMAIN = 'nightlog';

// An error of the server, with what it asks for.
export class CallError extends AppError {
  constructor(
    reason: ErrorReason,
    message: string,
    violations: readonly FieldViolation[],
    // Not before this long, where the server says so.
    readonly retryAfterMs: number,
  ) {
    super(reason, message, violations);
  }
}

function reasonOf(error: ConnectError): ErrorReason {
  const info = error.findDetails(ErrorInfoSchema).find((detail) => detail.domain === DOMAIN);
  if (!info) {
    // Whatever stands between here and the server has its own ways to say that it is not there.
    const answered = [
      Code.InvalidArgument,
      Code.Unimplemented,
      Code.PermissionDenied,
      Code.Unauthenticated,
    ];
    return answered.includes(error.code) ? 'other' : 'unreachable';
  }
  const known = ErrorReasonSchema.values.some((value) => value.localName === info.reason);
  return known ? (info.reason.toLowerCase() as ErrorReason) : 'other';
}

export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // A failure of this device's own storage, which comes as it is.
  if (error instanceof DOMException && error.name !== 'AbortError') {
    return new AppError('not_saved', error.message);
  }
  const failed = ConnectError.from(error);
  const violations = failed
    .findDetails(BadRequestSchema)
    .flatMap((detail) => detail.fieldViolations)
    .map(({ field, description }) => ({ field, description }));
  const delay = failed.findDetails(RetryInfoSchema)[0]?.retryDelay;
  const retryAfterMs = delay ? Number(delay.seconds) * 1000 + delay.nanos / 1e6 : 0;
  return new CallError(reasonOf(failed), failed.rawMessage, violations, retryAfterMs);
}
