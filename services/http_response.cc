#include "services/http_response.h"

#include "absl/strings/str_cat.h"

namespace nightlog {
namespace {

absl::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "";
  }
}

}  // namespace

HttpResponse TextResponse(int status, absl::string_view line) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"}};
  response.body = std::make_shared<const std::string>(absl::StrCat(line, "\n"));
  return response;
}

std::string HttpHead(const HttpResponse& response, BodyEnd end, bool keep_alive, absl::Time now) {
  std::string head =
      absl::StrCat("HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status), "\r\n");
  const auto add = [&head](absl::string_view name, absl::string_view value) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  };
  add("date", absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", now, absl::UTCTimeZone()));
  add("x-content-type-options", "nosniff");
  for (const auto& [name, value] : response.headers) add(name, value);
  if (end == BodyEnd::kChunked) add("transfer-encoding", "chunked");
  if (end == BodyEnd::kLength && response.status != 304) {
    add("content-length", absl::StrCat(response.body == nullptr ? 0 : response.body->size()));
  }
  if (!keep_alive) add("connection", "close");
  return head + "\r\n";
}

std::string HttpChunk(absl::string_view content) {
  return absl::StrCat(absl::Hex(content.size()), "\r\n", content, "\r\n");
}

}  // namespace nightlog
