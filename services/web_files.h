#ifndef NIGHTLOG_SERVICES_WEB_FILES_H_
#define NIGHTLOG_SERVICES_WEB_FILES_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "services/http_response.h"

namespace nightlog {

// The files of the web app, read once and kept in memory, each also compressed where that is
// smaller. Immutable; thread-safe.
//
// What lies in /assets/ is named by its content and may be kept for a year; all else is asked for
// again each time, which costs a 304 where nothing changed. Scripts, styles and connections are
// allowed to the own origin only, and no page may frame the app.
class WebFiles {
 public:
  // No files: everything is not found.
  WebFiles() = default;

  // Everything below a directory, but names that begin with a dot. INVALID_ARGUMENT if it cannot be
  // read, has no index.html, or holds more than 64 MiB. `is_tls`: browsers are told to come back
  // over TLS only.
  static absl::StatusOr<WebFiles> Load(const std::string& root, bool is_tls);

  // The answer to a GET of `target`, which is a path and perhaps a query; the headers are empty
  // where there are none. A path without a dot is one of the app's own pages: it gets index.html.
  // 404 for what is not there.
  HttpResponse Get(absl::string_view target, absl::string_view if_none_match,
                   absl::string_view accept_encoding) const;

 private:
  struct File {
    std::string type;
    bool is_immutable = false;
    std::string etag;  // without quotes
    std::shared_ptr<const std::string> content;
    std::shared_ptr<const std::string> gzipped;  // nullptr: not smaller
  };

  static File MakeFile(absl::string_view path, std::string content);

  bool is_tls_ = false;
  // By path, such as `/index.html`.
  std::map<std::string, File, std::less<>> files_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_WEB_FILES_H_
