#ifndef NIGHTLOG_SERVICES_HTTP_RESPONSE_H_
#define NIGHTLOG_SERVICES_HTTP_RESPONSE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nightlog {

// An answer over HTTP/1.1 before it is bytes.
struct HttpResponse {
  int status = 200;
  // Names in small letters. What HttpHead adds is not here.
  std::vector<std::pair<std::string, std::string>> headers;
  // Shared, as many answers may be the same file; nullptr: there is none.
  std::shared_ptr<const std::string> body;
};

// A response whose body is one line of text.
HttpResponse TextResponse(int status, absl::string_view line);

// How the end of a body is found.
enum class BodyEnd { kLength, kChunked, kClose };

// Status line and headers, to the empty line: the response's own, the date, what every answer
// carries, `content-length` or `transfer-encoding` by `end`, and `connection: close` unless the
// connection is kept.
std::string HttpHead(const HttpResponse& response, BodyEnd end, bool keep_alive, absl::Time now);

// One chunk of a body that ends by kChunked; of nothing: its end.
std::string HttpChunk(absl::string_view content);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_HTTP_RESPONSE_H_
