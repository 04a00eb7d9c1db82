#include "services/options.h"

#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/temp_folder.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Options Valid() {
  Options options;
  options.data_dir = "/data";
  return options;
}

// The message names the flag to look at.
void ExpectInvalid(const Options& options, const std::string& flag) {
  const absl::Status status = ValidateOptions(options);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(flag));
}

TEST(OptionsTest, TheDefaultsNeedOnlyADirectory) {
  EXPECT_TRUE(ValidateOptions(Valid()).ok());
  ExpectInvalid(Options(), "--data_dir");
}

TEST(OptionsTest, AListenAddressIsAHostAndAPort) {
  const auto named = ParseListenAddress("nights.example:0", "--listen");
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->host, "nights.example");
  EXPECT_EQ(named->port, 0);
  const auto ipv6 = ParseListenAddress("[::1]:65535", "--listen");
  ASSERT_TRUE(ipv6.ok());
  EXPECT_EQ(ipv6->host, "::1");
  EXPECT_EQ(ipv6->port, 65535);
  EXPECT_EQ(FormatListenAddress(*named), "nights.example:0");
  EXPECT_EQ(FormatListenAddress(*ipv6), "[::1]:65535");
  for (const char* malformed :
       {"", ":", "localhost", "localhost:", ":7411", "localhost:x", "localhost:65536",
        "localhost:-1", "::1:7411", "[::1]", "[]:1", "[localhost]:1", "[::1:1"}) {
    const absl::Status status = ParseListenAddress(malformed, "--web_listen").status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("--web_listen")) << malformed;
  }
}

TEST(OptionsTest, BackupsHaveSaneNumbers) {
  Options options = Valid();
  options.backup_every_hours = 0;
  ExpectInvalid(options, "--backup_every_hours");
  options.backup_every_hours = 24;
  options.backups_kept = 0;
  ExpectInvalid(options, "--backups_kept");
}

TEST(OptionsTest, BackupsAreNotWhereTheDataIs) {
  Options options = Valid();
  options.data_dir = "/srv/data";
  for (const char* within :
       {"/srv/data", "/srv/data/", "/srv/data/backups", "/srv/./x/../data/b"}) {
    options.backup_dir = within;
    ExpectInvalid(options, "--backup_dir");
  }
  for (const char* outside : {"/srv/backups", "/srv/data2", "/srv", "/srv/data/../backups"}) {
    options.backup_dir = outside;
    EXPECT_TRUE(ValidateOptions(options).ok()) << outside;
  }
}

TEST(OptionsTest, PlaintextBeyondLoopbackMustBeAskedFor) {
  for (std::string Options::*const listen : {&Options::listen, &Options::web_listen}) {
    for (const char* loopback : {"localhost:1", "127.0.0.1:1", "127.255.0.9:1", "[::1]:1"}) {
      Options options = Valid();
      options.*listen = loopback;
      EXPECT_TRUE(ValidateOptions(options).ok()) << loopback;
    }
    for (const char* reachable : {"0.0.0.0:1", "[::]:1", "192.168.1.4:1", "127.0.0.1.example:1",
                                  "127.example:1", "128.0.0.1:1", "127.0.0.256:1"}) {
      Options options = Valid();
      options.*listen = reachable;
      ExpectInvalid(options, "--insecure_non_loopback");
      options.insecure_non_loopback = true;
      EXPECT_TRUE(ValidateOptions(options).ok()) << reachable;
      options.insecure_non_loopback = false;
      options.tls_certificate = "/cert";
      options.tls_key = "/key";
      EXPECT_TRUE(ValidateOptions(options).ok()) << reachable;
    }
  }
}

TEST(OptionsTest, TheWebAppNeedsAPlaceToBeServedAt) {
  Options options = Valid();
  options.web_root = "/app";
  ExpectInvalid(options, "--web_listen");
  options.web_listen = "127.0.0.1";
  ExpectInvalid(options, "--web_listen");
  options.web_listen = "127.0.0.1:0";
  EXPECT_TRUE(ValidateOptions(options).ok());
}

TEST(OptionsTest, AnAddressForBrowsersIsAUrl) {
  Options options = Valid();
  options.web_url = "https://nightlog.example.org/";
  ExpectInvalid(options, "--web_listen");
  options.web_listen = "127.0.0.1:0";
  EXPECT_TRUE(ValidateOptions(options).ok());
  for (const char* malformed :
       {"nightlog.example.org", "https://nightlog.example.org", "ftp://nightlog.example.org/"}) {
    options.web_url = malformed;
    ExpectInvalid(options, "--web_url");
  }
}

TEST(OptionsTest, RegistrationIsOpenWhereOnlyThisMachineReachesIt) {
  Options options = Valid();
  EXPECT_TRUE(IsRegistrationOpen(options));
  options.web_listen = "[::1]:0";
  EXPECT_TRUE(IsRegistrationOpen(options));
  options.web_listen = "0.0.0.0:0";
  EXPECT_FALSE(IsRegistrationOpen(options));
  options.open_registration = true;
  EXPECT_TRUE(IsRegistrationOpen(options));
  options = Valid();
  options.listen = "0.0.0.0:0";
  EXPECT_FALSE(IsRegistrationOpen(options));
  options = Valid();
  options.web_listen = "127.0.0.1:0";
  options.web_url = "https://nightlog.example.org/";
  EXPECT_FALSE(IsRegistrationOpen(options)) << "others reach it through a proxy";
  options = Valid();
  options.open_registration = false;
  EXPECT_FALSE(IsRegistrationOpen(options));
}

TEST(OptionsTest, CertificateAndKeyGoTogether) {
  Options options = Valid();
  options.tls_certificate = "/cert";
  ExpectInvalid(options, "--tls_key");
  options.tls_certificate.clear();
  options.tls_key = "/key";
  ExpectInvalid(options, "--tls_certificate");
}

TEST(OptionsTest, NumbersHaveBounds) {
  for (const int threads : {0, -1, 257}) {
    Options options = Valid();
    options.threads = threads;
    ExpectInvalid(options, "--threads");
  }
  for (const int connections : {0, -1, 1000001}) {
    Options options = Valid();
    options.web_connections_max = connections;
    ExpectInvalid(options, "--web_connections_max");
  }
  for (const int seconds : {-1, 3601}) {
    Options options = Valid();
    options.drain_seconds = seconds;
    ExpectInvalid(options, "--drain_seconds");
  }
}

using Variables = std::map<std::string, std::string>;

absl::StatusOr<CommandLine> Read(const std::vector<std::string>& arguments,
                                 const Variables& variables = {}) {
  const auto environment = [&variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  return ReadCommandLine(arguments, environment, [](const std::vector<std::string>& words) {
    return words.empty() || words.front() != "wrong" ? absl::OkStatus()
                                                     : absl::InvalidArgumentError("no such word");
  });
}

// All of an error's message.
std::string Refusal(const std::vector<std::string>& arguments, const Variables& variables = {}) {
  const absl::StatusOr<CommandLine> line = Read(arguments, variables);
  EXPECT_FALSE(line.ok());
  return std::string(line.status().message());
}

class SettingsFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) {
    std::ofstream(path_) << text;
    return "--config=" + path_;
  }

  const TempFolder folder_;
  const std::string path_ = folder_.path() + "/nightlogd.conf";
};

TEST(OptionsTest, FlagsTakeTheirValuesInEveryUsualForm) {
  const auto line = Read({"--data_dir", "/data", "--threads=3", "--insecure_non_loopback",
                          "--open_registration=false", "--web_listen=", "word"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->options.data_dir, "/data");
  EXPECT_EQ(line->options.threads, 3);
  EXPECT_TRUE(line->options.insecure_non_loopback);
  EXPECT_EQ(line->options.open_registration, false);
  EXPECT_EQ(line->words, std::vector<std::string>{"word"});
  EXPECT_FALSE(line->help);
}

TEST(OptionsTest, HelpAndVersionAreGivenWhateverElseIsWrong) {
  const auto line = Read({"--threads=0", "--help"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_TRUE(line->help);
  EXPECT_FALSE(line->version);
  const auto version = Read({"--threads=0", "--version"});
  ASSERT_TRUE(version.ok()) << version.status();
  EXPECT_TRUE(version->version);
  EXPECT_THAT(DescribeSettings(), HasSubstr("--drain_seconds\n"));
}

TEST(OptionsTest, WordsAreCheckedBeforeSettings) {
  EXPECT_EQ(Refusal({"wrong", "--threads=0"}), "no such word");
  EXPECT_THAT(Refusal({"wrong", "--thread=1"}), HasSubstr("--thread is not a flag"));
  EXPECT_THAT(Refusal({"right"}), HasSubstr("--config=FILE"));
}

TEST_F(SettingsFileTest, AFlagGoesBeforeAVariableAndThatBeforeTheFile) {
  const std::string config = Write(
      "# the server of a practice\n"
      "\n"
      "data_dir = /from the file\n"
      "threads=3\n"
      "  drain_seconds =  3  \n"
      "backups_kept = 3\n");
  const auto line = Read({config, "--threads=1"}, {{"NIGHTLOG_THREADS", "2"},
                                                   {"NIGHTLOG_DRAIN_SECONDS", "2"},
                                                   {"NIGHTLOG_STATE", "of the command line"}});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->options.data_dir, "/from the file");
  EXPECT_EQ(line->options.threads, 1);
  EXPECT_EQ(line->options.drain_seconds, 2);
  EXPECT_EQ(line->options.backups_kept, 3);
}

TEST_F(SettingsFileTest, AVariableMayNameTheFile) {
  Write("data_dir = /data\n");
  const auto line = Read({}, {{"NIGHTLOG_CONFIG", path_}});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->options.data_dir, "/data");
  EXPECT_EQ(line->config, path_);
  EXPECT_EQ(Refusal({"--config=/nowhere.conf"}, {{"NIGHTLOG_CONFIG", path_}}),
            "the settings file /nowhere.conf cannot be read; give one that can.");
  EXPECT_EQ(Refusal({"--config=/", "--data_dir=/data"}),
            "the settings file / cannot be read; give one that can.");
}

TEST_F(SettingsFileTest, AnEmptyFileSaysNothing) {
  const auto line = Read({Write(""), "--data_dir=/data"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->config, path_);
}

TEST_F(SettingsFileTest, AnErrorNamesThePlaceThatAsksForIt) {
  EXPECT_EQ(Refusal({"--threads=0"}), "--threads is `0`; it must be 1 to 256.");
  EXPECT_EQ(Refusal({"--data_dir=/data", "--log_format=xml"}),
            "--log_format is `xml`; it must be text or json.");
  EXPECT_EQ(Refusal({"--threads", "many"}), "--threads is `many`; it must be 1 to 256.");
  EXPECT_EQ(Refusal({"--threads=1", "--threads=2"}), "--threads comes twice; give it once.");
  EXPECT_EQ(Refusal({"--thread=1"}), "--thread is not a flag; see --help.");
  EXPECT_EQ(Refusal({"--data_dir"}), "--data_dir has no value; give --data_dir=VALUE.");
  EXPECT_EQ(Refusal({}, {{"NIGHTLOG_OPEN_REGISTRATION", "perhaps"}}),
            "NIGHTLOG_OPEN_REGISTRATION is `perhaps`; it must be true or false.");
  EXPECT_EQ(Refusal({"--data_dir=/data"}, {{"NIGHTLOG_WEB_ROOT", "/app"}}),
            "NIGHTLOG_WEB_ROOT needs --web_listen, where it is served.");
  const auto in_file = [this](const std::string& line) {
    const std::string config = Write("# one\n" + line + "\n");
    const std::string refusal = Refusal({config, "--data_dir=/data"});
    EXPECT_EQ(refusal.rfind(path_ + ":2: ", 0), 0) << refusal;
    return refusal.substr(path_.size() + 4);
  };
  EXPECT_EQ(in_file("threads = 257"), "threads is `257`; it must be 1 to 256.");
  EXPECT_EQ(in_file("listen = here"),
            "listen is `here`; give HOST:PORT, such as 127.0.0.1:7411 or [::1]:7411.");
  EXPECT_EQ(in_file("tls_key = /key").substr(0, 8), "tls_key ") << "though --tls_certificate lacks";
  EXPECT_EQ(in_file("thread = 1"), "thread is not a setting; nightlogd --help lists them.");
  EXPECT_EQ(in_file("threads 1"), "is not `name = value`.");
  EXPECT_EQ(in_file("new_lineage = true"), "new_lineage can only be a flag, given once.");
  Write("threads = 1\nthreads = 1\n");
  EXPECT_EQ(Refusal({"--config", path_}), path_ + ":2: threads comes twice; give it once.");
}

TEST(OptionsTest, WhatWasReadAgainAppliesAtOnceOrIsToldToNeedARestart) {
  Options running;
  running.data_dir = "/data";
  Options read = running;
  Reload reload = ReloadOptions(running, read);
  EXPECT_THAT(reload.applied, IsEmpty());
  EXPECT_THAT(reload.need_restart, IsEmpty());

  read.device_streams_max = 7;
  read.log_format = "json";
  read.listen = "127.0.0.1:1";
  read.open_registration = false;
  reload = ReloadOptions(running, read);
  EXPECT_THAT(reload.applied, ElementsAre("device_streams_max", "log_format"));
  EXPECT_THAT(reload.need_restart, ElementsAre("listen", "open_registration"));
  EXPECT_EQ(reload.options.device_streams_max, 7);
  EXPECT_EQ(reload.options.log_format, "json");
  EXPECT_EQ(reload.options.listen, running.listen);
  EXPECT_FALSE(reload.options.open_registration.has_value());

  // What needs a restart is told each time, what applied is not.
  reload = ReloadOptions(reload.options, read);
  EXPECT_THAT(reload.applied, IsEmpty());
  EXPECT_THAT(reload.need_restart, ElementsAre("listen", "open_registration"));
}

TEST(OptionsTest, WhatIsAskedForOnceIsNoVariable) {
  EXPECT_EQ(Refusal({"--data_dir=/data"}, {{"NIGHTLOG_NEW_LINEAGE", "true"}}),
            "NIGHTLOG_NEW_LINEAGE can only be a flag, given once.");
}

}  // namespace
}  // namespace nightlog
