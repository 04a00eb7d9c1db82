#include "services/web_files.h"

#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "storage/core/check.h"
#include "storage/core/hash.h"

namespace nightlog {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBytesMax = 64 << 20;
// Below that compression saves nothing on the wire.
constexpr size_t kGzipBytesMin = 1024;
constexpr absl::string_view kIndex = "/index.html";
constexpr absl::string_view kAssets = "/assets/";

struct FileType {
  absl::string_view extension;
  absl::string_view type;
  bool is_text;
};
constexpr FileType kFileTypes[] = {
    {".css", "text/css; charset=utf-8", true},
    {".html", "text/html; charset=utf-8", true},
    {".ico", "image/x-icon", false},
    {".jpg", "image/jpeg", false},
    {".js", "text/javascript; charset=utf-8", true},
    {".json", "application/json", true},
    {".map", "application/json", true},
    {".mjs", "text/javascript; charset=utf-8", true},
    {".png", "image/png", false},
    {".svg", "image/svg+xml", true},
    {".txt", "text/plain; charset=utf-8", true},
    {".wasm", "application/wasm", true},
    {".webmanifest", "application/manifest+json", true},
    {".webp", "image/webp", false},
    {".woff2", "font/woff2", false},
};
constexpr FileType kOtherType = {"", "application/octet-stream", false};

// The camera reads an invite's QR code.
constexpr std::pair<absl::string_view, absl::string_view> kSecurityHeaders[] = {
    {"content-security-policy",
     "default-src 'self'; object-src 'none'; base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'"},
    {"referrer-policy", "no-referrer"},
    {"permissions-policy", "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"},
    {"cross-origin-opener-policy", "same-origin"},
    {"cross-origin-resource-policy", "same-origin"},
};

const FileType& TypeOf(absl::string_view path) {
  for (const FileType& type : kFileTypes) {
    if (absl::EndsWith(path, type.extension)) return type;
  }
  return kOtherType;
}

std::string Gzip(absl::string_view content) {
  constexpr int kGzipFormat = 16;  // added to the window's bits; see zlib.h
  constexpr int kMemoryLevel = 8;  // zlib's default
  z_stream stream = {};
  CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzipFormat, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) == Z_OK);
  std::string gzipped(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(gzipped.data());
  stream.avail_out = static_cast<uInt>(gzipped.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  gzipped.resize(stream.total_out);
  deflateEnd(&stream);
  return gzipped;
}

// The path of a target, decoded, without its query. nullopt: malformed.
absl::optional<std::string> PathOf(absl::string_view target) {
  target = target.substr(0, target.find('?'));
  std::string path;
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] != '%') {
      path += target[i];
      continue;
    }
    const absl::string_view digits = target.substr(i + 1, 2);
    if (digits.size() != 2 || !absl::ascii_isxdigit(static_cast<unsigned char>(digits[0])) ||
        !absl::ascii_isxdigit(static_cast<unsigned char>(digits[1]))) {
      return absl::nullopt;
    }
    path += absl::HexStringToBytes(digits);
    i += 2;
  }
  if (!absl::StartsWith(path, "/")) return absl::nullopt;
  return path;
}

// A `q=0` is not looked for: no browser sends it with gzip.
bool TakesGzip(absl::string_view accept_encoding) {
  return absl::StrContains(accept_encoding, "gzip");
}

bool Matches(absl::string_view if_none_match, absl::string_view quoted_etag) {
  for (absl::string_view tag : absl::StrSplit(if_none_match, ',')) {
    tag = absl::StripPrefix(absl::StripAsciiWhitespace(tag), "W/");
    if (tag == quoted_etag || tag == "*") return true;
  }
  return false;
}

}  // namespace

WebFiles::File WebFiles::MakeFile(absl::string_view path, std::string content) {
  constexpr size_t kEtagBytes = 16;
  const FileType& type = TypeOf(path);
  File file;
  file.type = std::string(type.type);
  file.is_immutable = absl::StartsWith(path, kAssets);
  file.etag = absl::BytesToHexString(Sha256(content).substr(0, kEtagBytes));
  if (type.is_text && content.size() >= kGzipBytesMin) {
    std::string gzipped = Gzip(content);
    if (gzipped.size() < content.size()) {
      file.gzipped = std::make_shared<const std::string>(std::move(gzipped));
    }
  }
  file.content = std::make_shared<const std::string>(std::move(content));
  return file;
}

absl::StatusOr<WebFiles> WebFiles::Load(const std::string& root, bool is_tls) {
  const auto bad_root = [&root](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("--web_root=", root, " ", what, "; give the directory of the built web app."));
  };
  WebFiles loaded;
  loaded.is_tls_ = is_tls;
  size_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entries(root, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    const fs::directory_entry& entry = *entries;
    if (absl::StartsWith(entry.path().filename().string(), ".")) {
      entries.disable_recursion_pending();
      continue;
    }
    if (!entry.is_regular_file(error)) continue;
    bytes += entry.file_size(error);
    if (bytes > kBytesMax) return bad_root("holds more than 64 MiB");
    std::ifstream file(entry.path(), std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file.good()) return bad_root("has a file that cannot be read");
    const std::string path = "/" + entry.path().lexically_relative(root).generic_string();
    loaded.files_[path] = MakeFile(path, std::move(content));
  }
  if (error) return bad_root("cannot be read");
  if (loaded.files_.count(kIndex) == 0) return bad_root("has no index.html");
  return loaded;
}

HttpResponse WebFiles::Get(absl::string_view target, absl::string_view if_none_match,
                           absl::string_view accept_encoding) const {
  const absl::optional<std::string> path = PathOf(target);
  if (!path.has_value()) return TextResponse(400, "The path is malformed.");
  auto found = files_.find(*path);
  if (found == files_.end() && !absl::StrContains(*path, '.')) found = files_.find(kIndex);
  if (found == files_.end()) return TextResponse(404, "There is nothing here.");
  const File& file = found->second;
  const bool gzip = file.gzipped != nullptr && TakesGzip(accept_encoding);
  const std::string etag = absl::StrCat("\"", file.etag, gzip ? "-gzip" : "", "\"");

  HttpResponse response;
  response.headers = {
      {"etag", etag},
      {"cache-control", file.is_immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"vary", "accept-encoding"},
  };
  if (Matches(if_none_match, etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("content-type", file.type);
  if (gzip) response.headers.emplace_back("content-encoding", "gzip");
  for (const auto& [name, value] : kSecurityHeaders) response.headers.emplace_back(name, value);
  if (is_tls_) response.headers.emplace_back("strict-transport-security", "max-age=31536000");
  response.body = gzip ? file.gzipped : file.content;
  return response;
}

}  // namespace nightlog
