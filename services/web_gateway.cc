#include "services/web_gateway.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "services/grpc_web.h"
#include "services/http_response.h"
#include "services/open_counts.h"
#include "services/stream_call.h"
#include "services/web_files.h"
#include "storage/core/check.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using net::ip::tcp;

constexpr int kThreads = 2;
constexpr uint32_t kHeaderBytesMax = 16 << 10;
constexpr size_t kReadBytes = 16 << 10;
// A larger body is read only for a token that the server knows, and only while all such bodies
// together have no more than this.
constexpr uint64_t kSmallBodyBytesMax = 16 << 10;
constexpr uint64_t kLargeBodiesBytesMax = 64 << 20;
// While nothing is expected a read only notices that the browser leaves or asks again.
constexpr size_t kWaitingReadBytes = 512;
// What still comes of a request that was cut off is thrown away, this much at a time, and after
// each time a pause for every connection that does so: together they take 32 MiB a second, however
// many there are. Who sends more is held up by TCP meanwhile.
constexpr size_t kDiscardBytes = 64 << 10;
constexpr absl::Duration kDiscardPause = absl::Milliseconds(2);
constexpr absl::Duration kAcceptRetry = absl::Milliseconds(100);

// Dead connections are noticed after a minute and a half, as by the gRPC door, and the NATs between
// see traffic.
constexpr int kKeepaliveIdleSeconds = 60;
constexpr int kKeepaliveIntervalSeconds = 10;
constexpr int kKeepaliveProbes = 3;
// What the kernel keeps for a browser that does not read, instead of megabytes; what is on the line
// does not count.
constexpr int kUnsentBytesMax = 256 << 10;

absl::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::chrono::steady_clock::duration Chrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

void SetSocketOptions(tcp::socket& socket) {
  const auto set = [fd = socket.native_handle()](int level, int option, int value) {
    // One that fails costs a feature, not the connection.
    static_cast<void>(setsockopt(fd, level, option, &value, sizeof(value)));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdleSeconds);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveIntervalSeconds);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes);
}

// A connection's bytes, over TLS or plain. For one strand.
class Transport {
 public:
  using Handler = std::function<void(error_code, size_t)>;

  // No TLS if `tls` is nullptr.
  Transport(tcp::socket socket, std::shared_ptr<net::ssl::context> tls)
      : socket_(std::move(socket)), tls_context_(std::move(tls)) {
    if (tls_context_ != nullptr) tls_.emplace(socket_, *tls_context_);
  }

  bool is_tls() const { return tls_.has_value(); }
  tcp::socket& socket() { return socket_; }

  void Handshake(std::function<void(error_code)> done) {
    tls_->async_handshake(net::ssl::stream_base::server, std::move(done));
  }
  void Read(net::mutable_buffer buffer, Handler done) {
    if (is_tls()) return tls_->async_read_some(buffer, std::move(done));
    socket_.async_read_some(buffer, std::move(done));
  }
  // Throws away up to `bytes` that have come, neither copied nor decrypted. False: nothing more
  // will come.
  bool Discard(size_t bytes) {
    const ssize_t size = recv(socket_.native_handle(), nullptr, bytes, MSG_TRUNC | MSG_DONTWAIT);
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
  }
  void Write(const std::vector<net::const_buffer>& buffers, Handler done) {
    if (is_tls()) return net::async_write(*tls_, buffers, std::move(done));
    net::async_write(socket_, buffers, std::move(done));
  }

 private:
  tcp::socket socket_;
  // Its own, which a certificate that was renewed since does not end.
  const std::shared_ptr<net::ssl::context> tls_context_;
  absl::optional<net::ssl::stream<tcp::socket&>> tls_;
};

// Another owner of it.
std::shared_ptr<net::ssl::context> ContextOf(const Tls& tls) {
  CHECK(SSL_CTX_up_ref(tls.context.get()) == 1);
  return std::make_shared<net::ssl::context>(tls.context.get());
}

class Connection;

// Writes a stream's messages to a connection, which destroys it when it has finished.
class WebStream final : public StreamCall {
 public:
  WebStream(std::shared_ptr<Connection> connection, const Method& method, Peer peer,
            Executor& executor, OpenStreams& open_streams)
      : StreamCall(method, std::move(peer), executor, open_streams),
        connection_(std::move(connection)) {}
  ~WebStream() override = default;

  using StreamCall::WriteDone;

 private:
  void Write(std::shared_ptr<const std::string> message) override;
  void Finish(const absl::Status& status, absl::optional<std::string> last) override;

  const std::shared_ptr<Connection> connection_;
};

// What all connections share.
struct Shared {
  Shared(const Methods& methods, Executor& executor, TokenCheck check_token,
         const WebTimeouts& timeouts, int address_connections_max)
      : methods(methods),
        executor(executor),
        check_token(std::move(check_token)),
        timeouts(timeouts),
        address_connections_max(address_connections_max) {}

  // Of the gateway's threads. Other threads hold it too while they end a connection.
  const std::shared_ptr<net::io_context> io = std::make_shared<net::io_context>(kThreads);
  const Methods& methods;
  Executor& executor;
  const TokenCheck check_token;
  const WebTimeouts timeouts;
  const int address_connections_max;
  OpenCounts open_by_address;
  WebFiles files;
  OpenStreams open_streams;
  std::atomic<uint64_t> large_bodies_bytes{0};
  std::atomic<int> lingering{0};  // connections

  absl::Mutex mu;
  bool draining ABSL_GUARDED_BY(mu) = false;
  std::unordered_map<Connection*, std::weak_ptr<Connection>> connections ABSL_GUARDED_BY(mu);
};

// One browser's connection, from its first byte to its last. Everything runs on the socket's
// strand. One read is always under way, also while a call is answered, which notices a browser that
// leaves; but not while there is something to parse or an answer to end. Lives as long as anything
// is under way for it.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, tcp::socket socket, std::shared_ptr<net::ssl::context> tls)
      : io_(shared.io),
        shared_(shared),
        transport_(std::move(socket), std::move(tls)),
        deadline_(transport_.socket().get_executor()),
        call_deadline_(transport_.socket().get_executor()),
        discard_pause_(transport_.socket().get_executor()) {
    error_code error;
    const tcp::endpoint remote = transport_.socket().remote_endpoint(error);
    if (!error) ip_ = remote.address().to_string();
    CountFor(AddressOf(ip_, ""));
  }

  ~Connection() {
    ReleaseBody();
    if (lingers_) --shared_.lingering;
    counted_.reset();
    absl::MutexLock lock(&shared_.mu);
    shared_.connections.erase(this);
  }

  // Its address has too many.
  bool is_one_too_many() const { return counted_ == nullptr; }

  void Start() {
    if (!transport_.is_tls()) return Idle();
    SetDeadline(shared_.timeouts.handshake);
    transport_.Handshake([self = shared_from_this()](error_code error) {
      if (self->phase_ == Phase::kClosed) return;
      if (error) return self->Close();
      self->Idle();
    });
  }

  // Runs `task` on the strand. Thread-safe.
  template <typename Task>
  void Post(Task task) {
    // The task may run, and end this and the gateway, before post() lets go of the strand.
    const std::shared_ptr<net::io_context> io = io_;
    net::post(transport_.socket().get_executor(), std::move(task));
  }

  // No further request is taken.
  void Drain() {
    draining_ = true;
    if (phase_ == Phase::kHandshake || phase_ == Phase::kIdle) Close();
  }

  // At once; a call that is under way is told to end.
  void Close() {
    phase_ = Phase::kClosed;
    ClearDeadline();
    call_deadline_.cancel();
    discard_pause_.cancel();
    error_code ignored;
    transport_.socket().close(ignored);
    if (stream_ != nullptr) stream_->Stop(absl::CancelledError("The call was cancelled."));
  }

  // For the stream. A message that can no longer be written is told so.
  void WriteMessage(std::shared_ptr<const std::string> message) {
    if (phase_ != Phase::kCall) return stream_->WriteDone(false);
    if (sign_of_life_) {
      after_sign_of_life_ = [this, message = std::move(message)] { WriteMessage(message); };
      return;
    }
    WriteToStream(*message, [](Connection& self, bool ok) { self.stream_->WriteDone(ok); });
  }

  // For the stream, which it destroys.
  void FinishStream(const absl::Status& status, const absl::optional<std::string>& last) {
    stream_.reset();
    EndStream(status, last);
  }

 private:
  using Parser = http::request_parser<http::string_body>;

  enum class Phase {
    kHandshake,
    kIdle,    // nothing of a request has come
    kHeader,  // something of its header has
    kCheck,   // its header says that its body is large, and its token is looked at
    kBody,
    kCall,    // a method is called, or its stream written
    kAnswer,  // the end of the answer is written
    kLinger,  // the answer is written, and what still comes is thrown away
    kClosed,
  };

  // `done` hears whether it was written.
  void WriteToStream(const std::string& message, void (*done)(Connection& self, bool ok)) {
    out_ = TakeStreamHead() + StreamPart(EncodeGrpcWebMessage(format_, message));
    SetDeadline(shared_.timeouts.write);
    transport_.Write({net::buffer(out_)},
                     [self = shared_from_this(), done](error_code error, size_t) {
                       self->out_ = std::string();
                       if (self->phase_ == Phase::kCall) {
                         if (error) {
                           self->Close();
                         } else {
                           self->AwaitSilence();
                         }
                       }
                       done(*self, !error);
                     });
  }

  // While a stream writes nothing. A browser has no keepalive of its own: without a message now and
  // then it would take a connection that is long dead for a stream that has nothing to say.
  void AwaitSilence() { SetTimer(shared_.timeouts.silence, &Connection::WriteSignOfLife); }

  // What the stream asks for meanwhile comes after it.
  void WriteSignOfLife() {
    if (stream_ == nullptr) return;
    sign_of_life_ = true;
    WriteToStream("", [](Connection& self, bool) {
      self.sign_of_life_ = false;
      if (const auto next = std::exchange(self.after_sign_of_life_, nullptr)) next();
    });
  }

  void EndStream(const absl::Status& status, const absl::optional<std::string>& last) {
    if (phase_ != Phase::kCall) return;
    if (sign_of_life_) {
      after_sign_of_life_ = [this, status, last] { EndStream(status, last); };
      return;
    }
    std::string frames = last.has_value() ? EncodeGrpcWebMessage(format_, *last) : "";
    frames += EncodeGrpcWebTrailers(format_, status);
    if (!head_written_) return Answer(GrpcWebResponse(std::move(frames)));
    out_ = StreamPart(frames);
    if (StreamEnd() == BodyEnd::kChunked) out_ += HttpChunk("");
    EndAnswer({net::buffer(out_)});
  }

  // The connection is closed when this phase takes longer.
  void SetDeadline(absl::Duration after) { SetTimer(after, &Connection::Close); }

  void SetTimer(absl::Duration after, void (Connection::*then)()) {
    deadline_.expires_after(Chrono(after));
    deadline_.async_wait(
        [self = shared_from_this(), then, turn = ++deadline_turn_](error_code error) {
          if (!error && turn == self->deadline_turn_) (self.get()->*then)();
        });
  }

  void ClearDeadline() {
    ++deadline_turn_;  // one that has run out is on its way here already
    deadline_.cancel();
  }

  void Read() {
    if (std::exchange(reading_, true)) return;
    const bool expects = phase_ == Phase::kHeader || phase_ == Phase::kBody;
    transport_.Read(
        buffer_.prepare(expects ? kReadBytes : kWaitingReadBytes),
        [self = shared_from_this()](error_code error, size_t size) { self->OnRead(error, size); });
  }

  void OnRead(error_code error, size_t size) {
    reading_ = false;
    if (phase_ == Phase::kClosed) return;
    if (error) return Close();
    buffer_.commit(size);
    switch (phase_) {
      case Phase::kIdle:
        return BeginRequest();
      case Phase::kHeader:
      case Phase::kBody:
        return Parse();
      case Phase::kAnswer:
        return;  // the next request's, which waits
      case Phase::kLinger:
        return AwaitRest();
      default:
        return DiscardInput();
    }
  }

  // Throws away what comes while nothing may. No browser sends a request before the last one is
  // answered, so whoever does has the connection closed after the answer.
  void DiscardInput() {
    if (buffer_.size() > 0) {
      keep_alive_ = false;
      buffer_.consume(buffer_.size());
    }
    // A stream may wait for days.
    if (!reading_) buffer_.shrink_to_fit();
    Read();
  }

  void CountFor(const std::string& address) {
    counted_ = shared_.open_by_address.Open(address, shared_.address_connections_max);
  }

  void Idle() {
    phase_ = Phase::kIdle;
    // A connection of a proxy is of no caller between two calls.
    if (AddressOf(ip_, "").empty()) counted_.reset();
    if (draining_) return Close();
    if (buffer_.size() > 0) return BeginRequest();
    SetDeadline(shared_.timeouts.idle);
    Read();
  }

  void BeginRequest() {
    phase_ = Phase::kHeader;
    head_written_ = false;
    is_head_ = false;
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(kHeaderBytesMax);
    parser_->body_limit(kGrpcWebBodyBytesMax);
    SetDeadline(shared_.timeouts.header);
    Parse();
  }

  void Parse() {
    while (!parser_->is_done()) {
      if (buffer_.size() == 0) return Read();
      error_code error;
      buffer_.consume(parser_->put(buffer_.data(), error));
      if (error == http::error::need_more) return Read();
      if (error) return OnMalformed(error);
      if (phase_ == Phase::kHeader && parser_->is_header_done()) {
        phase_ = Phase::kBody;
        is_http10_ = parser_->get().version() < 11;
        keep_alive_ = parser_->keep_alive() && !is_http10_;
        if (!OnHeader()) return;
        const auto length = parser_->content_length();
        if (length.has_value() && *length > kSmallBodyBytesMax) return CheckToken(*length);
        parser_->body_limit(kSmallBodyBytesMax);
        ReadRest();
      }
    }
    OnRequest();
  }

  void ReadRest() {
    phase_ = Phase::kBody;
    parser_->eager(true);
    SetDeadline(shared_.timeouts.body);
  }

  absl::Status Admit(const Peer& peer) const {
    return method_->admit == nullptr ? absl::OkStatus() : method_->admit(peer);
  }

  // No read is under way until the body may come.
  void CheckToken(uint64_t body_bytes) {
    phase_ = Phase::kCheck;
    SetDeadline(shared_.timeouts.body);
    const Peer peer = PeerOf(parser_->get());
    const absl::Status admitted = Admit(peer);
    if (!admitted.ok()) return Refuse(StatusResponse(admitted));
    const bool posted = shared_.executor.TryPost([self = shared_from_this(), body_bytes, peer] {
      const absl::Status known = self->shared_.check_token(peer, body_bytes);
      self->Post([self, body_bytes, known] { self->OnTokenChecked(known, body_bytes); });
    });
    if (!posted) Refuse(StatusResponse(BusyError()));
  }

  void OnTokenChecked(const absl::Status& known, uint64_t body_bytes) {
    if (phase_ != Phase::kCheck) return;
    if (!known.ok()) return Refuse(StatusResponse(known));
    held_bytes_ = body_bytes;
    if (shared_.large_bodies_bytes.fetch_add(body_bytes) + body_bytes > kLargeBodiesBytesMax) {
      return Refuse(StatusResponse(BusyError()));
    }
    ReadRest();
    Parse();
  }

  void ReleaseBody() { shared_.large_bodies_bytes -= std::exchange(held_bytes_, 0); }

  template <typename Request>
  Peer PeerOf(const Request& request) const {
    return {BearerToken(View(request[http::field::authorization])),
            AddressOf(ip_, View(request["x-forwarded-for"]))};
  }

  void OnMalformed(error_code error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return Refuse(
          TextResponse(431, absl::StrCat("The header has more than ", kHeaderBytesMax, " bytes.")));
    }
    if (error != http::error::body_limit) {
      return Refuse(
          TextResponse(400, absl::StrCat("This is no HTTP/1.1 request: ", error.message(), ".")));
    }
    const absl::string_view content_type = View(parser_->get()[http::field::content_type]);
    const absl::optional<GrpcWebFormat> format = GrpcWebFormatOf(content_type);
    const std::string message =
        parser_->chunked() ? absl::StrCat("A body of more than ", kSmallBodyBytesMax,
                                          " bytes needs a Content-Length.")
                           : absl::StrCat("The body has more than ", kGrpcWebMessageBytesMax,
                                          " bytes; send less at once.");
    if (!format.has_value()) return Refuse(TextResponse(413, message));
    format_ = *format;
    const absl::Status status =
        MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_TOO_LARGE, message);
    HttpResponse response = GrpcWebResponse(EncodeGrpcWebTrailers(format_, status));
    response.status = 413;
    // Clients look here where the HTTP status is an error.
    response.headers.emplace_back("grpc-status", absl::StrCat(status.raw_code()));
    response.headers.emplace_back("grpc-message", EncodeGrpcMessage(message));
    Refuse(std::move(response));
  }

  // Answers before the request has come to its end, which is then not waited for.
  void Refuse(HttpResponse response) {
    if (!parser_->is_done()) keep_alive_ = false;
    parser_ = nullptr;
    ReleaseBody();
    Answer(std::move(response));
  }

  void RefuseOneTooMany(absl::string_view content_type) {
    const absl::optional<GrpcWebFormat> format = GrpcWebFormatOf(content_type);
    if (!format.has_value()) {
      return Refuse(TextResponse(503, "Too many requests of this address are under way."));
    }
    format_ = *format;
    Refuse(StatusResponse(
        TooMuchError("Your network has too many requests under way", absl::Seconds(1))));
  }

  // True if the request may come to its end; otherwise it has been answered.
  bool OnHeader() {
    const auto& request = parser_->get();
    if (counted_ == nullptr) CountFor(PeerOf(request).address);
    if (counted_ == nullptr) {
      RefuseOneTooMany(View(request[http::field::content_type]));
      return false;
    }
    method_ = nullptr;
    is_head_ = request.method() == http::verb::head;
    if (is_head_ || request.method() == http::verb::get) {
      if (parser_->content_length().value_or(0) == 0) return true;
      Refuse(TextResponse(413, "A file is asked for without a body."));
      return false;
    }
    const auto found = shared_.methods.find(View(request.target()));
    const absl::optional<GrpcWebFormat> format =
        GrpcWebFormatOf(View(request[http::field::content_type]));
    if (request.method() == http::verb::post && format.has_value()) {
      format_ = *format;
      if (found != shared_.methods.end()) {
        method_ = &found->second;
        return true;
      }
      Refuse(StatusResponse(absl::UnimplementedError(
          absl::StrCat("This server has no method `",
                       absl::string_view(View(request.target())).substr(0, 200), "`."))));
    } else if (request.method() == http::verb::post && found != shared_.methods.end()) {
      Refuse(TextResponse(415,
                          "This door takes application/grpc-web and application/grpc-web-text, "
                          "with protobuf; for gRPC itself there is another port."));
    } else {
      HttpResponse response =
          TextResponse(405, "Files are got with GET or HEAD, methods called with POST.");
      response.headers.emplace_back("allow", found != shared_.methods.end() ? "POST" : "GET, HEAD");
      Refuse(std::move(response));
    }
    return false;
  }

  void OnRequest() {
    const Parser::value_type request = parser_->release();
    parser_ = nullptr;
    const bool was_large = held_bytes_ > 0;
    ReleaseBody();
    if (method_ == nullptr) {
      return Answer(shared_.files.Get(View(request.target()),
                                      View(request[http::field::if_none_match]),
                                      View(request[http::field::accept_encoding])));
    }
    const Peer peer = PeerOf(request);
    // The connection of one that is not admitted serves for its next try: only a large body is not
    // worth to be read for that.
    const absl::Status admitted = was_large ? absl::OkStatus() : Admit(peer);
    if (!admitted.ok()) return AnswerStatus(admitted);
    absl::StatusOr<std::string> message = DecodeGrpcWebRequest(format_, request.body());
    if (!message.ok()) return AnswerStatus(message.status());
    absl::Duration timeout = absl::InfiniteDuration();
    const auto timeout_field = request.find("grpc-timeout");
    if (timeout_field != request.end()) {
      const absl::StatusOr<absl::Duration> parsed = ParseGrpcTimeout(View(timeout_field->value()));
      if (!parsed.ok()) return AnswerStatus(parsed.status());
      timeout = *parsed;
    }
    phase_ = Phase::kCall;
    ++call_;
    ClearDeadline();
    if (timeout != absl::InfiniteDuration()) SetCallDeadline(timeout);
    DiscardInput();
    Call(peer, *std::move(message));
  }

  void Call(const Peer& peer, std::string message) {
    if (method_->open != nullptr) {
      stream_ = std::make_unique<WebStream>(shared_from_this(), *method_, peer, shared_.executor,
                                            shared_.open_streams);
      AwaitSilence();
      return stream_->Start(std::move(message));
    }
    method_->call(peer, message,
                  [self = shared_from_this(), call = call_](absl::StatusOr<std::string> answer) {
                    self->Post([self, call, answer = std::move(answer)] {
                      if (self->phase_ != Phase::kCall || self->call_ != call) return;
                      self->AnswerCall(answer);
                    });
                  });
  }

  void SetCallDeadline(absl::Duration timeout) {
    call_deadline_.expires_after(Chrono(timeout));
    call_deadline_.async_wait([self = shared_from_this(), call = call_](error_code error) {
      if (error || self->phase_ != Phase::kCall || self->call_ != call) return;
      const absl::Status exceeded =
          absl::DeadlineExceededError("The call took longer than its grpc-timeout.");
      if (self->stream_ != nullptr) return self->stream_->Stop(exceeded);
      self->AnswerStatus(exceeded);
    });
  }

  HttpResponse GrpcWebResponse(std::string frames) const {
    HttpResponse response;
    response.headers = {{"content-type", std::string(GrpcWebContentType(format_))},
                        {"cache-control", "no-store"},
                        // For a proxy in between: a message must not wait for the next.
                        {"x-accel-buffering", "no"}};
    response.body = std::make_shared<const std::string>(std::move(frames));
    return response;
  }

  HttpResponse StatusResponse(const absl::Status& status) const {
    return GrpcWebResponse(EncodeGrpcWebTrailers(format_, status));
  }

  void AnswerStatus(const absl::Status& status) { Answer(StatusResponse(status)); }

  void AnswerCall(const absl::StatusOr<std::string>& answer) {
    if (!answer.ok()) return AnswerStatus(answer.status());
    Answer(GrpcWebResponse(EncodeGrpcWebMessage(format_, *answer) +
                           EncodeGrpcWebTrailers(format_, absl::OkStatus())));
  }

  // The whole answer to a request.
  void Answer(HttpResponse response) {
    if (draining_) keep_alive_ = false;
    out_ = HttpHead(response, BodyEnd::kLength, keep_alive_, absl::Now());
    std::vector<net::const_buffer> buffers = {net::buffer(out_)};
    body_ = std::move(response.body);
    if (body_ != nullptr && !is_head_) buffers.push_back(net::buffer(*body_));
    EndAnswer(buffers);
  }

  // Writes the last of an answer.
  void EndAnswer(const std::vector<net::const_buffer>& buffers) {
    phase_ = Phase::kAnswer;
    call_deadline_.cancel();
    SetDeadline(shared_.timeouts.write);
    transport_.Write(buffers, [self = shared_from_this()](error_code error, size_t) {
      self->out_ = std::string();
      self->body_ = nullptr;
      if (self->phase_ == Phase::kClosed) return;
      if (error) return self->Close();
      if (self->keep_alive_) return self->Idle();
      self->Linger();
    });
  }

  // Closing while the browser still sends would take the answer from it.
  void Linger() {
    phase_ = Phase::kLinger;
    lingers_ = true;
    ++shared_.lingering;
    error_code ignored;
    transport_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    SetDeadline(shared_.timeouts.linger);
    if (!reading_) AwaitRest();
  }

  void AwaitRest() {
    transport_.socket().async_wait(tcp::socket::wait_read, [self = shared_from_this()](
                                                               error_code error) {
      if (self->phase_ == Phase::kClosed) return;
      if (error || !self->transport_.Discard(kDiscardBytes)) return self->Close();
      self->discard_pause_.expires_after(Chrono(kDiscardPause * self->shared_.lingering.load()));
      self->discard_pause_.async_wait([self](error_code cancelled) {
        if (!cancelled && self->phase_ != Phase::kClosed) self->AwaitRest();
      });
    });
  }

  // HTTP/1.0 knows no chunks: a stream ends with its connection.
  BodyEnd StreamEnd() const { return is_http10_ ? BodyEnd::kClose : BodyEnd::kChunked; }

  // What goes before a stream's first message.
  std::string TakeStreamHead() {
    if (std::exchange(head_written_, true)) return "";
    if (draining_) keep_alive_ = false;
    return HttpHead(GrpcWebResponse(""), StreamEnd(), keep_alive_, absl::Now());
  }

  std::string StreamPart(const std::string& frames) const {
    return StreamEnd() == BodyEnd::kChunked ? HttpChunk(frames) : frames;
  }

  const std::shared_ptr<net::io_context> io_;  // first: what follows belongs to it
  Shared& shared_;
  Transport transport_;
  std::string ip_;  // of the other side
  // Of Shared::open_by_address: for the address, or for whom a proxy calls now.
  std::shared_ptr<void> counted_;
  net::steady_timer deadline_;
  uint64_t deadline_turn_ = 0;
  Phase phase_ = Phase::kHandshake;
  bool draining_ = false;

  bool reading_ = false;
  boost::beast::flat_buffer buffer_;  // not to be touched while a read is under way
  std::unique_ptr<Parser> parser_;
  uint64_t held_bytes_ = 0;  // of Shared::large_bodies_bytes

  // Of the request at hand.
  bool keep_alive_ = false;
  bool is_http10_ = false;
  bool is_head_ = false;
  const Method* method_ = nullptr;  // nullptr: it asks for a file
  GrpcWebFormat format_ = GrpcWebFormat::kBinary;
  uint64_t call_ = 0;  // counts the calls, to know a late answer
  net::steady_timer call_deadline_;
  bool lingers_ = false;  // counted in Shared::lingering
  net::steady_timer discard_pause_;
  std::unique_ptr<WebStream> stream_;
  bool head_written_ = false;
  bool sign_of_life_ = false;  // one is being written
  std::function<void()> after_sign_of_life_;

  // What is being written.
  std::string out_;
  std::shared_ptr<const std::string> body_;
};

void WebStream::Write(std::shared_ptr<const std::string> message) {
  connection_->Post([connection = connection_, message = std::move(message)] {
    connection->WriteMessage(message);
  });
}

void WebStream::Finish(const absl::Status& status, absl::optional<std::string> last) {
  connection_->Post([connection = connection_, status, last = std::move(last)] {
    connection->FinishStream(status, last);
  });
}

}  // namespace

class WebGateway::Impl {
 public:
  Impl(const Options& options, const Methods& methods, Executor& executor, TokenCheck check_token,
       const WebTimeouts& timeouts)
      : options_(options),
        is_tls_(!options.tls_certificate.empty()),
        connections_max_(static_cast<size_t>(options.web_connections_max)),
        shared_(methods, executor, std::move(check_token), timeouts,
                options.address_connections_max) {}

  ~Impl() {
    if (!threads_.empty()) {
      StartDrain();
      AwaitDrained(absl::ZeroDuration());
    }
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  absl::Status Start() {
    if (!options_.web_root.empty()) {
      ASSIGN_OR_RETURN(shared_.files, WebFiles::Load(options_.web_root, is_tls_));
    }
    if (is_tls_) {
      ASSIGN_OR_RETURN(const Tls tls, ReadTls(options_));
      tls_ = ContextOf(tls);
    }
    ASSIGN_OR_RETURN(listen_, ParseListenAddress(options_.web_listen, "--web_listen"));
    RETURN_IF_ERROR(Listen());
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { io_.run(); });
    net::post(acceptor_.get_executor(), [this] { Accept(); });
    return absl::OkStatus();
  }

  std::string url() const {
    return absl::StrCat(is_tls_ ? "https://" : "http://", FormatListenAddress(listen_), "/");
  }

  void SetTls(const Tls& tls) {
    net::post(acceptor_.get_executor(), [this, context = ContextOf(tls)] { tls_ = context; });
  }

  void StartDrain() {
    net::post(acceptor_.get_executor(), [this] {
      error_code ignored;
      acceptor_.close(ignored);
      accept_retry_.cancel();
    });
    shared_.open_streams.DrainAll();
    {
      absl::MutexLock lock(&shared_.mu);
      shared_.draining = true;
    }
    ForEachConnection([](Connection& connection) { connection.Drain(); });
  }

  void AwaitDrained(absl::Duration deadline) {
    const auto none = [this]()
                          ABSL_NO_THREAD_SAFETY_ANALYSIS { return shared_.connections.empty(); };
    {
      absl::MutexLock lock(&shared_.mu);
      if (shared_.mu.AwaitWithTimeout(absl::Condition(&none), deadline)) return;
    }
    ForEachConnection([](Connection& connection) { connection.Close(); });
    absl::MutexLock lock(&shared_.mu);
    shared_.mu.Await(absl::Condition(&none));
  }

 private:
  absl::Status Listen() {
    error_code error;
    tcp::resolver resolver(io_);
    const auto found =
        resolver.resolve(listen_.host, absl::StrCat(listen_.port),
                         tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (!error) {
      const tcp::endpoint endpoint = found.begin()->endpoint();
      acceptor_.open(endpoint.protocol(), error);
      if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
      if (!error) acceptor_.bind(endpoint, error);
      if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
      if (!error) listen_.port = acceptor_.local_endpoint(error).port();
    }
    if (!error) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat(
        "cannot listen at --web_listen=", FormatListenAddress(listen_), ": ", error.message()));
  }

  void Accept() {
    acceptor_.async_accept(net::make_strand(io_), [this](error_code error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) {
        Admit(std::move(socket));
        return Accept();
      }
      // Such as no file descriptor left: one will be.
      accept_retry_.expires_after(Chrono(kAcceptRetry));
      accept_retry_.async_wait([this](error_code cancelled) {
        if (!cancelled && acceptor_.is_open()) Accept();
      });
    });
  }

  void Admit(tcp::socket socket) {
    SetSocketOptions(socket);
    auto connection = std::make_shared<Connection>(shared_, std::move(socket), tls_);
    if (connection->is_one_too_many()) return;
    {
      absl::MutexLock lock(&shared_.mu);
      // The destructor takes the lock, so what is refused lives until it is free.
      if (!shared_.draining && shared_.connections.size() < connections_max_) {
        shared_.connections.emplace(connection.get(), connection);
        connection->Post([connection] { connection->Start(); });
      }
    }
  }

  // Runs `task` on the strand of each.
  void ForEachConnection(void (*task)(Connection&)) {
    absl::MutexLock lock(&shared_.mu);
    for (const auto& [unused, weak] : shared_.connections) {
      // A task that has run holds no connection; one that is destroyed meanwhile waits for the
      // lock.
      std::shared_ptr<Connection> connection = weak.lock();
      if (connection == nullptr) continue;
      Connection* const target = connection.get();
      target->Post([connection = std::move(connection), task] { task(*connection); });
    }
  }

  const Options options_;
  const bool is_tls_;
  const size_t connections_max_;
  Shared shared_;
  ListenAddress listen_;
  net::io_context& io_ = *shared_.io;
  tcp::acceptor acceptor_{net::make_strand(io_)};
  // For the acceptor's strand.
  net::steady_timer accept_retry_{acceptor_.get_executor()};
  std::shared_ptr<net::ssl::context> tls_;  // nullptr without TLS
  const net::executor_work_guard<net::io_context::executor_type> work_{io_.get_executor()};
  std::vector<std::thread> threads_;
};

WebGateway::WebGateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WebGateway::~WebGateway() = default;

absl::StatusOr<std::unique_ptr<WebGateway>> WebGateway::Start(const Options& options,
                                                              const Methods& methods,
                                                              Executor& executor,
                                                              TokenCheck check_token,
                                                              const WebTimeouts& timeouts) {
  auto impl = std::make_unique<Impl>(options, methods, executor, std::move(check_token), timeouts);
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<WebGateway>(new WebGateway(std::move(impl)));
}

std::string WebGateway::url() const { return impl_->url(); }

void WebGateway::SetTls(const Tls& tls) { impl_->SetTls(tls); }

void WebGateway::StartDrain() { impl_->StartDrain(); }

void WebGateway::AwaitDrained(absl::Duration deadline) { impl_->AwaitDrained(deadline); }

}  // namespace nightlog
