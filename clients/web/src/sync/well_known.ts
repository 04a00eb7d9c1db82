// The messages of protobuf itself that this app uses. Loading them starts the runtime.
export {
  type Duration,
  DurationSchema,
  type Timestamp,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt';
