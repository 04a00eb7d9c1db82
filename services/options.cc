#include "services/options.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/variant.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

// A whole number within bounds.
struct Number {
  int Options::*value;
  int min;
  int max;
};

struct Setting {
  absl::string_view name;
  absl::variant<std::string Options::*, bool Options::*, absl::optional<bool> Options::*, Number>
      value;
  // What it means. A number's bounds are added.
  absl::string_view help;
  enum class Use {
    kAtStart,
    kOnce,     // only as a flag: a variable or a file would ask for it at each start
    kRunning,  // also by a server that runs, see ReloadOptions()
  };
  Use use = Use::kAtStart;
};

const Setting kSettings[] = {
    {"data_dir", &Options::data_dir, "Directory of the database; made where it is missing."},
    {"listen", &Options::listen, "HOST:PORT to serve on; port 0 takes a free one."},
    {"tls_certificate", &Options::tls_certificate,
     "PEM file with the certificate chain; goes with --tls_key."},
    {"tls_key", &Options::tls_key, "PEM file with the private key; goes with --tls_certificate."},
    {"insecure_non_loopback", &Options::insecure_non_loopback,
     "Serve without TLS where other machines can reach it, such as behind a TLS proxy."},
    {"web_listen", &Options::web_listen,
     "HOST:PORT to serve browsers on, with the same certificate; port 0 takes a free one; empty: "
     "none are served."},
    {"web_root", &Options::web_root,
     "Directory of the built web app, which --web_listen serves; empty: no files."},
    {"web_url", &Options::web_url,
     "Where browsers reach --web_listen by name or through a proxy, such as "
     "https://nightlog.example.org/; the set-up link begins so."},
    {"web_connections_max", Number{&Options::web_connections_max, 1, 1000000},
     "Most connections of browsers at once. Each takes a file descriptor."},
    {"address_connections_max", Number{&Options::address_connections_max, 0, 1000000},
     "Those of them that an IP address may have, or its requests that a proxy on this machine "
     "passes on at once. 0: no limit."},
    {"device_calls_per_second", Number{&Options::device_calls_per_second, 0, 1000000},
     "Calls that a device may make for long; those of a minute may come at once. 16 KiB of a "
     "request count as one more. 0: no limit. Calls from this machine itself are not limited.",
     Setting::Use::kRunning},
    {"address_calls_per_second", Number{&Options::address_calls_per_second, 0, 1000000},
     "The same for an IP address. A proxy on this machine names it in X-Forwarded-For.",
     Setting::Use::kRunning},
    {"address_pairings_per_minute", Number{&Options::address_pairings_per_minute, 0, 1000000},
     "How often an IP address may try to make or join a family; 20 may come at once. 0: no limit.",
     Setting::Use::kRunning},
    {"device_streams_max", Number{&Options::device_streams_max, 0, 1000000},
     "Streams that a device may have open at once. 0: no limit.", Setting::Use::kRunning},
    {"address_streams_max", Number{&Options::address_streams_max, 0, 1000000},
     "The same for an IP address.", Setting::Use::kRunning},
    {"open_registration", &Options::open_registration,
     "=true: whoever reaches the server may make a family; =false: only whoever has a set-up "
     "code. Otherwise it is open if all listens on loopback and there is no --web_url."},
    {"new_setup_code", &Options::new_setup_code,
     "Prints another set-up code for one more family, for a week; one that is not used yet is "
     "void.",
     Setting::Use::kOnce},
    {"setup_link_file", &Options::setup_link_file,
     "A file for the set-up link, which only its owner can read; empty: it is printed."},
    {"new_lineage", &Options::new_lineage,
     "Give this once after putting back an older copy of --data_dir, or losing data: devices then "
     "push again what the store lacks. `nightlogctl restore` does it by itself.",
     Setting::Use::kOnce},
    {"backup_dir", &Options::backup_dir,
     "Directory of the backups, on another disk if you can; empty: none are made. SIGUSR1 makes "
     "one at once."},
    {"backup_every_hours", Number{&Options::backup_every_hours, 1, 8760},
     "How old the newest backup may get.", Setting::Use::kRunning},
    {"backups_kept", Number{&Options::backups_kept, 1, 1000},
     "How many of the newest backups are kept.", Setting::Use::kRunning},
    {"metrics_listen", &Options::metrics_listen,
     "HOST:PORT to serve metrics on for Prometheus, over plain HTTP at /metrics; port 0 takes a "
     "free one; empty: none are served."},
    {"log_format", &Options::log_format, "How the log on stderr looks: text or json.",
     Setting::Use::kRunning},
    {"threads", Number{&Options::threads, 1, 256}, "Threads that read the disk."},
    {"drain_seconds", Number{&Options::drain_seconds, 0, 3600},
     "How long calls may go on after SIGTERM.", Setting::Use::kRunning},
};

const Setting* FindSetting(absl::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kSettings), std::end(kSettings),
                   [name](const Setting& setting) { return setting.name == name; });
  return found == std::end(kSettings) ? nullptr : found;
}

std::string FlagOf(absl::string_view name) { return absl::StrCat("--", name); }

std::string VariableOf(absl::string_view name) {
  return absl::StrCat("NIGHTLOG_", absl::AsciiStrToUpper(name));
}

std::string NameOf(const SettingNames& names, absl::string_view setting) {
  const auto found = names.find(setting);
  return found == names.end() ? FlagOf(setting) : found->second;
}

// Each sets what `text` says; false if it says nothing of the kind.
struct Parser {
  Options& options;
  const std::string& text;

  bool operator()(std::string Options::*value) const {
    options.*value = text;
    return true;
  }
  bool operator()(bool Options::*value) const { return absl::SimpleAtob(text, &(options.*value)); }
  bool operator()(absl::optional<bool> Options::*value) const {
    return absl::SimpleAtob(text, &(options.*value).emplace());
  }
  bool operator()(const Number& number) const {
    int& value = options.*number.value;
    return absl::SimpleAtoi(text, &value) && value >= number.min && value <= number.max;
  }
};

// What may stand for a value, for people.
struct Expected {
  std::string operator()(std::string Options::*) const { return "text"; }
  std::string operator()(bool Options::*) const { return "true or false"; }
  std::string operator()(absl::optional<bool> Options::*) const { return "true or false"; }
  std::string operator()(const Number& number) const {
    return absl::StrCat(number.min, " to ", number.max);
  }
};

// What stands for a value by default, for people; empty where nothing does.
struct Default {
  std::string operator()(std::string Options::*value) const { return Options().*value; }
  std::string operator()(bool Options::*) const { return ""; }
  std::string operator()(absl::optional<bool> Options::*) const { return ""; }
  std::string operator()(const Number& number) const {
    return absl::StrCat(Options().*number.value);
  }
};

// Takes over the value that another has; false if it is the same.
struct TakeOver {
  Options& options;
  const Options& other;

  template <typename Value>
  bool operator()(Value Options::*value) const {
    if (options.*value == other.*value) return false;
    options.*value = other.*value;
    return true;
  }
  bool operator()(const Number& number) const { return (*this)(number.value); }
};

absl::Status Require(bool holds, absl::string_view otherwise) {
  return holds ? absl::OkStatus() : absl::InvalidArgumentError(otherwise);
}

// One place's word on settings, by the setting: what errors call it, and its value.
struct Given {
  std::string name;
  std::string value;
};
using Source = std::map<std::string, Given, std::less<>>;

absl::Status Give(Source& source, const Setting& setting, Given given) {
  const auto [it, added] = source.try_emplace(std::string(setting.name), given);
  return Require(added, absl::StrCat(given.name, " comes twice; give it once."));
}

constexpr absl::string_view kConfig = "config";
constexpr absl::string_view kHelp = "help";
constexpr absl::string_view kVersion = "version";

// Flags, but for --config, --help and --version, which `config` and `line` get.
absl::StatusOr<Source> ReadFlags(const std::vector<std::string>& arguments, CommandLine& line,
                                 absl::optional<std::string>& config) {
  Source source;
  for (auto it = arguments.begin(); it != arguments.end(); ++it) {
    absl::string_view name = *it;
    if (!absl::ConsumePrefix(&name, "--")) {
      line.words.push_back(*it);
      continue;
    }
    absl::optional<std::string> value;
    const size_t equals = name.find('=');
    if (equals != absl::string_view::npos) {
      value = std::string(name.substr(equals + 1));
      name = name.substr(0, equals);
    }
    const std::string flag = FlagOf(name);
    if (name == kHelp) {
      line.help = true;
      continue;
    }
    if (name == kVersion) {
      line.version = true;
      continue;
    }
    const Setting* const setting = FindSetting(name);
    RETURN_IF_ERROR(Require(setting != nullptr || name == kConfig,
                            absl::StrCat(flag, " is not a flag; see --help.")));
    const bool is_switch =
        setting != nullptr && absl::holds_alternative<bool Options::*>(setting->value);
    if (!value.has_value() && is_switch) value = "true";
    if (!value.has_value()) {
      RETURN_IF_ERROR(Require(++it != arguments.end(),
                              absl::StrCat(flag, " has no value; give ", flag, "=VALUE.")));
      value = *it;
    }
    if (setting == nullptr) {
      config = *value;
    } else {
      RETURN_IF_ERROR(Give(source, *setting, {flag, *std::move(value)}));
    }
  }
  return source;
}

Source ReadVariables(const Environment& environment) {
  Source source;
  for (const Setting& setting : kSettings) {
    const std::string name = VariableOf(setting.name);
    const char* const value = environment(name.c_str());
    if (value != nullptr) source[std::string(setting.name)] = {name, value};
  }
  return source;
}

absl::StatusOr<Source> ReadConfig(const std::string& path) {
  Source source;
  std::ifstream file(path);
  file.peek();  // a directory can be opened, and not read
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat("the settings file ", path, " cannot be read; give one that can."));
  }
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    const absl::string_view line = absl::StripAsciiWhitespace(text);
    if (line.empty() || absl::StartsWith(line, "#")) continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(parts.first);
    const std::string place = absl::StrCat(path, ":", number, ": ");
    RETURN_IF_ERROR(
        Require(absl::StrContains(line, '='), absl::StrCat(place, "is not `name = value`.")));
    const Setting* const setting = FindSetting(name);
    RETURN_IF_ERROR(
        Require(setting != nullptr,
                absl::StrCat(place, name, " is not a setting; nightlogd --help lists them.")));
    RETURN_IF_ERROR(
        Give(source, *setting,
             {absl::StrCat(place, name), std::string(absl::StripAsciiWhitespace(parts.second))}));
  }
  return source;
}

absl::Status Apply(const Source& source, Options& options, SettingNames& names) {
  for (const auto& [name, given] : source) {
    const Setting& setting = *FindSetting(name);
    RETURN_IF_ERROR(Require(setting.use != Setting::Use::kOnce || given.name == FlagOf(name),
                            absl::StrCat(given.name, " can only be a flag, given once.")));
    RETURN_IF_ERROR(Require(absl::visit(Parser{options, given.value}, setting.value),
                            absl::StrCat(given.name, " is `", given.value, "`; it must be ",
                                         absl::visit(Expected(), setting.value), ".")));
    names[name] = given.name;
  }
  return absl::OkStatus();
}

bool IsIpv4Loopback(absl::string_view host) {
  const std::vector<absl::string_view> parts = absl::StrSplit(host, '.');
  if (parts.size() != 4 || parts[0] != "127") return false;
  for (absl::string_view part : parts) {
    int number = 0;
    if (!absl::SimpleAtoi(part, &number) || number < 0 || number > 255) return false;
  }
  return true;
}

// An address that may be served, and if others can reach it, with TLS or knowingly without.
absl::Status ValidateListen(const Options& options, absl::string_view name,
                            absl::string_view text) {
  ASSIGN_OR_RETURN(const ListenAddress address, ParseListenAddress(text, name));
  return Require(
      IsLoopback(address) || !options.tls_certificate.empty() || options.insecure_non_loopback,
      absl::StrCat(
          name, " is ", text,
          ", which can be reached by other machines; give --tls_certificate and --tls_key, or "
          "say --insecure_non_loopback."));
}

// True if `path` is `folder`, or would be below it. Looks at names alone.
bool IsWithin(const std::string& path, const std::string& folder) {
  const auto plain = [](const std::string& name) {
    std::error_code unknown;
    return std::filesystem::absolute(name + "/", unknown).lexically_normal();
  };
  return absl::StartsWith(plain(path).string(), plain(folder).string());
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text, absl::string_view name) {
  const absl::Status malformed = absl::InvalidArgumentError(absl::StrCat(
      name, " is `", text, "`; give HOST:PORT, such as 127.0.0.1:7411 or [::1]:7411."));
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return malformed;
  absl::string_view host = text.substr(0, colon);
  const bool bracketed = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || absl::StrContains(host, ':') != bracketed) return malformed;
  ListenAddress address;
  address.host = std::string(host);
  if (!absl::SimpleAtoi(text.substr(colon + 1), &address.port) || address.port < 0 ||
      address.port > 65535) {
    return malformed;
  }
  return address;
}

std::string FormatListenAddress(const ListenAddress& address) {
  const bool is_ipv6 = absl::StrContains(address.host, ':');
  return is_ipv6 ? absl::StrCat("[", address.host, "]:", address.port)
                 : absl::StrCat(address.host, ":", address.port);
}

bool IsLoopback(const ListenAddress& address) {
  return address.host == "localhost" || address.host == "::1" || IsIpv4Loopback(address.host);
}

bool IsRegistrationOpen(const Options& options) {
  if (options.open_registration.has_value()) return *options.open_registration;
  const auto is_loopback = [](const std::string& listen) {
    const absl::StatusOr<ListenAddress> address = ParseListenAddress(listen, "");
    return address.ok() && IsLoopback(*address);
  };
  return options.web_url.empty() && is_loopback(options.listen) &&
         (options.web_listen.empty() || is_loopback(options.web_listen));
}

absl::Status ValidateOptions(const Options& options, const SettingNames& names) {
  const auto name = [&names](absl::string_view setting) { return NameOf(names, setting); };
  RETURN_IF_ERROR(
      Require(!options.data_dir.empty(),
              absl::StrCat(name("data_dir"),
                           " is missing; give the directory of the database, or the settings by "
                           "--config=FILE; see --help.")));
  RETURN_IF_ERROR(
      Require(options.tls_certificate.empty() == options.tls_key.empty(),
              options.tls_key.empty()
                  ? absl::StrCat(name("tls_certificate"), " needs --tls_key; give both or none.")
                  : absl::StrCat(name("tls_key"), " needs --tls_certificate; give both or none.")));
  RETURN_IF_ERROR(ValidateListen(options, name("listen"), options.listen));
  if (!options.web_listen.empty()) {
    RETURN_IF_ERROR(ValidateListen(options, name("web_listen"), options.web_listen));
  }
  RETURN_IF_ERROR(
      Require(options.web_root.empty() || !options.web_listen.empty(),
              absl::StrCat(name("web_root"), " needs --web_listen, where it is served.")));
  RETURN_IF_ERROR(
      Require(options.web_url.empty() || !options.web_listen.empty(),
              absl::StrCat(name("web_url"), " needs --web_listen, which it leads to.")));
  RETURN_IF_ERROR(
      Require(options.web_url.empty() || ((absl::StartsWith(options.web_url, "https://") ||
                                           absl::StartsWith(options.web_url, "http://")) &&
                                          absl::EndsWith(options.web_url, "/")),
              absl::StrCat(name("web_url"), " is `", options.web_url,
                           "`; give an address such as https://nightlog.example.org/.")));
  RETURN_IF_ERROR(
      Require(options.backup_dir.empty() || !IsWithin(options.backup_dir, options.data_dir),
              absl::StrCat(name("backup_dir"), " is `", options.backup_dir,
                           "`, which goes where --data_dir goes; give a directory "
                           "outside it, on another disk if you can.")));
  if (!options.metrics_listen.empty()) {
    ASSIGN_OR_RETURN(const ListenAddress address,
                     ParseListenAddress(options.metrics_listen, name("metrics_listen")));
    RETURN_IF_ERROR(Require(IsLoopback(address) || options.insecure_non_loopback,
                            absl::StrCat(name("metrics_listen"), " is ", options.metrics_listen,
                                         ", which can be reached by other machines, without TLS; "
                                         "listen on loopback, or say --insecure_non_loopback.")));
  }
  RETURN_IF_ERROR(Require(options.log_format == "text" || options.log_format == "json",
                          absl::StrCat(name("log_format"), " is `", options.log_format,
                                       "`; it must be text or json.")));
  // From a command line they are within bounds already, or have been called by their name.
  for (const Setting& setting : kSettings) {
    const auto* const number = absl::get_if<Number>(&setting.value);
    if (number == nullptr) continue;
    const int value = options.*number->value;
    RETURN_IF_ERROR(Require(value >= number->min && value <= number->max,
                            absl::StrCat(name(setting.name), " is `", value, "`; it must be ",
                                         Expected()(*number), ".")));
  }
  return absl::OkStatus();
}

Reload ReloadOptions(const Options& running, const Options& read) {
  Reload reload;
  reload.options = running;
  Options later = running;
  for (const Setting& setting : kSettings) {
    const bool now = setting.use == Setting::Use::kRunning;
    if (!absl::visit(TakeOver{now ? reload.options : later, read}, setting.value)) continue;
    (now ? reload.applied : reload.need_restart).emplace_back(setting.name);
  }
  return reload;
}

absl::StatusOr<CommandLine> ReadCommandLine(const std::vector<std::string>& arguments,
                                            const Environment& environment,
                                            const WordsCheck& check_words) {
  CommandLine line;
  absl::optional<std::string> config;
  ASSIGN_OR_RETURN(const Source flags, ReadFlags(arguments, line, config));
  if (line.help || line.version) return line;
  RETURN_IF_ERROR(check_words(line.words));
  const char* const config_variable = environment(VariableOf(kConfig).c_str());
  if (!config.has_value() && config_variable != nullptr) config = config_variable;
  SettingNames names;
  if (config.has_value()) {
    line.config = *config;
    ASSIGN_OR_RETURN(const Source file, ReadConfig(*config));
    RETURN_IF_ERROR(Apply(file, line.options, names));
  }
  RETURN_IF_ERROR(Apply(ReadVariables(environment), line.options, names));
  RETURN_IF_ERROR(Apply(flags, line.options, names));
  RETURN_IF_ERROR(ValidateOptions(line.options, names));
  return line;
}

std::string DescribeSettings() {
  std::string text =
      "Settings are flags --NAME=VALUE, or else variables NIGHTLOG_NAME, or else lines `NAME = "
      "VALUE` of the\nfile that --config (or NIGHTLOG_CONFIG) names. At SIGHUP the file is read "
      "again; without one,\nSIGHUP ends the server as SIGTERM does. --version tells the version.\n";
  for (const Setting& setting : kSettings) {
    absl::StrAppend(&text, "\n  ", FlagOf(setting.name), "\n");
    std::vector<std::string> facts;
    if (absl::holds_alternative<Number>(setting.value)) {
      facts.push_back(absl::visit(Expected(), setting.value));
    }
    const std::string by_default = absl::visit(Default(), setting.value);
    if (!by_default.empty()) facts.push_back(absl::StrCat("default ", by_default));
    if (setting.use == Setting::Use::kOnce) facts.push_back("only as a flag");
    if (setting.use == Setting::Use::kRunning) facts.push_back("also at SIGHUP");
    absl::StrAppend(&text, "      ", setting.help);
    if (!facts.empty()) absl::StrAppend(&text, " (", absl::StrJoin(facts, ", "), ")");
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace nightlog
