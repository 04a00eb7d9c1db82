#ifndef NIGHTLOG_SERVICES_METHODS_H_
#define NIGHTLOG_SERVICES_METHODS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/executor.h"
#include "services/family_service.h"
#include "services/import_service.h"
#include "services/message_stream.h"
#include "services/peer.h"
#include "services/progress_service.h"
#include "services/sync_service.h"

namespace nightlog {

// A MessageStream of whatever messages, which come serialized. Its contract is the same.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // `message` is the bytes.
  virtual StreamStep<std::string> Next() = 0;
  virtual bool WriteIfOpen(absl::FunctionRef<void()> write) = 0;
};

// One RPC as a door sees it: serialized messages in, serialized messages or a status out. Exactly
// one of `call` and `open` is set. Both give INVALID_ARGUMENT for bytes that are no such message.
// Thread-safe.
struct Method {
  // Asked before the request is read. OK, or the answer: then neither of the others is called.
  // Never blocks. May be null.
  std::function<absl::Status(const Peer& peer)> admit;

  // A unary method. Never blocks: what may wait for the disk runs on the executor. Answers exactly
  // once, on any thread; with BUSY where the executor has too much to do. `request` need not
  // outlive the call.
  std::function<void(const Peer& peer, absl::string_view request, Done<std::string> done)> call;

  // A server-streaming method. May block on the disk. `wake` is called from any thread while the
  // stream lives.
  std::function<absl::StatusOr<std::unique_ptr<ByteStream>>(
      const Peer& peer, absl::string_view request, StreamWake wake)>
      open;
};

// By path, as gRPC and gRPC-Web have it: `/nightlog.v1.SyncService/Push`.
using Methods = std::map<std::string, Method, std::less<>>;

// All methods of this server: the one list of which use case answers which call, and whether it may
// block. The first call with a token that RotateToken announced takes it into use before it is
// answered. All arguments must outlive what is returned, and that must outlive every call.
Methods MakeMethods(const SyncService& sync, const ProgressService& progress,
                    const FamilyService& family, const ImportService& imports, Executor& executor);

// Looks at the token of a call before its request, of so many bytes, is read. OK if the server
// knows it. May block on the disk. Thread-safe.
using TokenCheck = std::function<absl::Status(const Peer& peer, size_t request_bytes)>;

// How long a caller may take to send the request of a call.
constexpr absl::Duration kRequestMax = absl::Minutes(1);

// The answer where it takes longer.
absl::Status LateRequestError();

// RESOURCE_EXHAUSTED (BUSY): who asks is to try again after `wait`. `what` is too much, for people.
absl::Status TooMuchError(absl::string_view what, absl::Duration wait);

// The answer where the executor has too much to do.
absl::Status BusyError();

// The answer where the server stops.
absl::Status DrainingError();

// The device token in the value of an `authorization` header or metadata; empty if there is none.
std::string BearerToken(absl::string_view authorization);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_METHODS_H_
