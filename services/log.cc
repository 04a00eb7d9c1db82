#include "services/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace nightlog {
namespace {

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (IsControl(c)) {
      absl::StrAppendFormat(&quoted, "\\u%04x", c);
    } else {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + '"';
}

// Quoted only where it would not be one word.
std::string AsWord(absl::string_view text) {
  for (const char c : text) {
    if (IsControl(c) || c == ' ' || c == '"') return Quoted(text);
  }
  return text.empty() ? "\"\"" : std::string(text);
}

std::shared_ptr<spdlog::logger> MakeLogger(const char* pattern) {
  auto logger = std::make_shared<spdlog::logger>("nightlogd",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  // The last lines before the process ends are those that matter.
  logger->flush_on(spdlog::level::trace);
  return logger;
}

}  // namespace

std::string FormatLogEvent(LogFormat format, absl::string_view event, Log::Fields fields) {
  const bool json = format == LogFormat::kJson;
  std::string line = json ? absl::StrCat("\"event\":", Quoted(event)) : std::string(event);
  for (const auto& [name, value] : fields) {
    if (json) {
      absl::StrAppend(&line, ",", Quoted(name), ":", Quoted(value));
    } else {
      absl::StrAppend(&line, " ", name, "=", AsWord(value));
    }
  }
  return line;
}

Log::Log(LogFormat format)
    : format_(format), loggers_{MakeLogger(kTextPattern), MakeLogger(kJsonPattern)} {}

void Log::Info(absl::string_view event, Fields fields) const {
  Write(spdlog::level::info, event, fields);
}

void Log::Warning(absl::string_view event, Fields fields) const {
  Write(spdlog::level::warn, event, fields);
}

void Log::Error(absl::string_view event, Fields fields) const {
  Write(spdlog::level::err, event, fields);
}

void Log::Write(int level, absl::string_view event, Fields fields) const {
  const LogFormat format = format_;
  const std::string line = FormatLogEvent(format, event, fields);
  loggers_[static_cast<size_t>(format)]->log(static_cast<spdlog::level::level_enum>(level),
                                             spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace nightlog
