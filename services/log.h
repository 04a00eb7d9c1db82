#ifndef NIGHTLOG_SERVICES_LOG_H_
#define NIGHTLOG_SERVICES_LOG_H_

#include <array>
#include <atomic>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace spdlog {
class logger;
}

namespace nightlog {

// How a line of the log looks.
enum class LogFormat {
  kText,  // 2026-11-02T03:04:05.678Z error call failed method=/nightlog.v1.SyncService/Push ..
  kJson,  // {"time":"2026-11-02T03:04:05.678Z","level":"error","event":"call failed","method":..}
};

// What the server did and what went wrong, for its operator: a line an event on stderr, an event a
// few words and named values. Values are ids, numbers, codes, and messages that storage wrote;
// never names, notes, tokens or codes of invitations. Thread-safe; takes a lock, so nothing that
// happens with every call is logged.
class Log {
 public:
  using Fields = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

  explicit Log(LogFormat format);

  // Of the lines from now on.
  void SetFormat(LogFormat format) { format_ = format; }

  void Info(absl::string_view event, Fields fields = {}) const;
  void Warning(absl::string_view event, Fields fields = {}) const;
  void Error(absl::string_view event, Fields fields = {}) const;

 private:
  void Write(int level, absl::string_view event, Fields fields) const;

  std::atomic<LogFormat> format_;
  // By LogFormat.
  const std::array<std::shared_ptr<spdlog::logger>, 2> loggers_;
};

// A line's part after its time and level.
std::string FormatLogEvent(LogFormat format, absl::string_view event, Log::Fields fields);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_LOG_H_
