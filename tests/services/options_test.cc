#include "services/options.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;

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
  const auto named = ParseListenAddress("nights.example:0", "listen");
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->host, "nights.example");
  EXPECT_EQ(named->port, 0);
  const auto ipv6 = ParseListenAddress("[::1]:65535", "listen");
  ASSERT_TRUE(ipv6.ok());
  EXPECT_EQ(ipv6->host, "::1");
  EXPECT_EQ(ipv6->port, 65535);
  EXPECT_EQ(FormatListenAddress(*named), "nights.example:0");
  EXPECT_EQ(FormatListenAddress(*ipv6), "[::1]:65535");
  for (const char* malformed :
       {"", ":", "localhost", "localhost:", ":7411", "localhost:x", "localhost:65536",
        "localhost:-1", "::1:7411", "[::1]", "[]:1", "[localhost]:1", "[::1:1"}) {
    const absl::Status status = ParseListenAddress(malformed, "web_listen").status();
    EXPECT_THAT(std::string(status.message()), HasSubstr("--web_listen")) << malformed;
  }
}

TEST(OptionsTest, BackupsNeedADirectoryAndSaneNumbers) {
  Options options = Valid();
  options.list_backups = true;
  ExpectInvalid(options, "--backup_dir");
  options = Valid();
  options.restore_backup = "latest";
  ExpectInvalid(options, "--backup_dir");
  options.backup_dir = "/backups";
  EXPECT_TRUE(ValidateOptions(options).ok());
  options.restore_backup = "12";
  EXPECT_TRUE(ValidateOptions(options).ok());
  for (const char* wrong : {"0", "-1", "newest"}) {
    options.restore_backup = wrong;
    ExpectInvalid(options, "--restore_backup");
  }
  options.restore_backup = "";
  options.backup_every_hours = 0;
  ExpectInvalid(options, "--backup_every_hours");
  options.backup_every_hours = 24;
  options.backups_kept = 0;
  ExpectInvalid(options, "--backups_kept");
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

}  // namespace
}  // namespace nightlog
