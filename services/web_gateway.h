#ifndef NIGHTLOG_SERVICES_WEB_GATEWAY_H_
#define NIGHTLOG_SERVICES_WEB_GATEWAY_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/executor.h"
#include "services/methods.h"
#include "services/options.h"
#include "services/tls.h"

namespace nightlog {

// How long a browser may take for each part of the conversation, before its connection is closed.
struct WebTimeouts {
  absl::Duration handshake = absl::Seconds(10);
  absl::Duration idle = absl::Seconds(75);    // between two requests
  absl::Duration header = absl::Seconds(10);  // from a request's first byte to its empty line
  absl::Duration body = kRequestMax;
  absl::Duration write = absl::Minutes(2);   // for one message, file or answer
  absl::Duration linger = absl::Seconds(2);  // to take the answer to a request that was cut off
  // How long a stream says nothing before an empty message shows that it is alive.
  absl::Duration silence = absl::Seconds(30);
};

// The browsers' door: gRPC-Web over HTTP/1.1 (binary and text, unary and server-streaming) to the
// methods, and the web app's files, over TLS or plain. Few threads, however many streams.
//
// A stream has no queue here: one message is written, then the next is asked for. A browser that
// leaves is noticed while its stream waits, and an empty message shows it from time to time that
// the stream does. Every answer to a call is HTTP 200 with its status in the trailers' frame, but
// for what is no gRPC-Web call or too large, which has an HTTP status of 400 or more and says why
// in words.
//
// An address has a bound of connections; beyond it they are closed at once. What a proxy on this
// machine passes on is counted for whom it calls, by request: beyond the bound the answer is BUSY.
//
// A body of more than 16 KiB is taken into memory only for a token that the server knows, and only
// while all such bodies have 64 MiB or less together: beyond that the answer is BUSY. What still
// comes of a request that was refused is thrown away, at 32 MiB a second of all together.
class WebGateway {
 public:
  // Listens at `options.web_listen` and serves until StartDrain(). `methods` and `executor` must
  // outlive this. INVALID_ARGUMENT if files for TLS or of the app cannot be read; UNAVAILABLE if it
  // cannot listen there. The message says which flag to look at.
  static absl::StatusOr<std::unique_ptr<WebGateway>> Start(
      const Options& options, const Methods& methods, Executor& executor, TokenCheck check_token,
      const WebTimeouts& timeouts = WebTimeouts());

  // Cuts off what is still under way.
  ~WebGateway();

  // Such as `https://localhost:7412/`, with the port that was bound.
  std::string url() const;

  // Serves with it from now on; open connections go on. REQUIRES: `options` have a certificate.
  void SetTls(const Tls& tls);

  // Takes no new connections, ends the streams with UNAVAILABLE (DRAINING), and closes each
  // connection after its call. Does not wait for it.
  void StartDrain();

  // Returns when all calls are over; those that take longer than `deadline` are cut off.
  // REQUIRES: StartDrain() was called.
  void AwaitDrained(absl::Duration deadline);

 private:
  class Impl;
  explicit WebGateway(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_WEB_GATEWAY_H_
