#include "services/web_files.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/temp_folder.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;

class WebFilesTest : public ::testing::Test {
 protected:
  WebFilesTest() { Write("index.html", "<title>nightlog</title>"); }

  void Write(const std::string& path, const std::string& content) {
    const std::filesystem::path file = folder_.path() + "/" + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
  }

  WebFiles Load(bool is_tls = false) {
    absl::StatusOr<WebFiles> files = WebFiles::Load(folder_.path(), is_tls);
    EXPECT_TRUE(files.ok()) << files.status();
    return *std::move(files);
  }

  std::string LoadError() {
    return std::string(WebFiles::Load(folder_.path(), false).status().message());
  }

  static std::map<std::string, std::string> Headers(const HttpResponse& response) {
    return {response.headers.begin(), response.headers.end()};
  }

  const TempFolder folder_;
};

TEST_F(WebFilesTest, AFileHasItsTypeAndItsAge) {
  Write("sw.js", "self");
  Write("manifest.webmanifest", "{}");
  Write("assets/app-1a2b.js", "app");
  Write("icons/a b.png", "png");
  const WebFiles files = Load();
  const auto expect = [&](const std::string& target, const std::string& content,
                          const std::string& type, const std::string& age) {
    const HttpResponse response = files.Get(target, "", "");
    EXPECT_EQ(response.status, 200) << target;
    EXPECT_EQ(*response.body, content) << target;
    EXPECT_EQ(Headers(response)["content-type"], type);
    EXPECT_EQ(Headers(response)["cache-control"], age);
  };
  const std::string immutable = "public, max-age=31536000, immutable";
  expect("/index.html", "<title>nightlog</title>", "text/html; charset=utf-8", "no-cache");
  expect("/sw.js?v=2", "self", "text/javascript; charset=utf-8", "no-cache");
  expect("/manifest.webmanifest", "{}", "application/manifest+json", "no-cache");
  expect("/assets/app-1a2b.js", "app", "text/javascript; charset=utf-8", immutable);
  expect("/icons/a%20b.png", "png", "image/png", "no-cache");
}

TEST_F(WebFilesTest, APathWithoutADotIsAPageOfTheApp) {
  const WebFiles files = Load();
  for (const char* page : {"/", "/nights", "/family/settings?tab=2", "/%61"}) {
    const HttpResponse response = files.Get(page, "", "");
    EXPECT_EQ(response.status, 200) << page;
    EXPECT_EQ(*response.body, "<title>nightlog</title>");
  }
}

TEST_F(WebFilesTest, WhatIsNotThereIsNotFound) {
  Write(".hidden/secret.txt", "secret");
  Write(".env", "secret");
  const WebFiles files = Load();
  for (const char* missing :
       {"/missing.js", "/.env", "/.hidden/secret.txt", "/../index.html", "/%2e%2e/etc/passwd.txt",
        "/assets/../index.html", "/index.html/", "//index.html"}) {
    EXPECT_EQ(files.Get(missing, "", "").status, 404) << missing;
  }
  for (const char* malformed :
       {"", "index.html", "*", "http://x/index.html", "/%", "/%2", "/%zz"}) {
    EXPECT_EQ(files.Get(malformed, "", "").status, 400) << malformed;
  }
  EXPECT_EQ(WebFiles().Get("/", "", "").status, 404);
}

TEST_F(WebFilesTest, WhatIsUnchangedIsNotSentAgain) {
  const WebFiles files = Load();
  const std::string etag = Headers(files.Get("/", "", ""))["etag"];
  for (const std::string& known : {etag, "W/" + etag, "\"other\", " + etag, std::string("*")}) {
    const HttpResponse response = files.Get("/", known, "");
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_EQ(response.body, nullptr);
    EXPECT_EQ(Headers(response)["etag"], etag);
    EXPECT_EQ(Headers(response)["cache-control"], "no-cache");
  }
  EXPECT_EQ(files.Get("/", "\"other\"", "").status, 200);
  Write("index.html", "<title>nightlog 2</title>");
  EXPECT_EQ(Load().Get("/", etag, "").status, 200);
}

TEST_F(WebFilesTest, WhatIsSmallerCompressedIsSentSoToWhoTakesIt) {
  const std::string script(5000, 'a');
  Write("assets/app-1.js", script);
  Write("assets/photo-1.png", script);
  const WebFiles files = Load();
  HttpResponse response = files.Get("/assets/app-1.js", "", "deflate, gzip, br");
  EXPECT_EQ(Headers(response)["content-encoding"], "gzip");
  EXPECT_EQ(Headers(response)["vary"], "accept-encoding");
  EXPECT_LT(response.body->size(), 100u);
  EXPECT_EQ(response.body->substr(0, 3), "\x1f\x8b\x08") << "the head of gzip";
  const std::string etag = Headers(response)["etag"];
  EXPECT_EQ(files.Get("/assets/app-1.js", etag, "gzip").status, 304);
  EXPECT_EQ(files.Get("/assets/app-1.js", etag, "").status, 200) << "these are other bytes";
  for (const char* plain : {"/assets/photo-1.png", "/"}) {
    EXPECT_EQ(Headers(files.Get(plain, "", "gzip")).count("content-encoding"), 0u) << plain;
  }
  response = files.Get("/assets/app-1.js", "", "br");
  EXPECT_EQ(*response.body, script);
}

TEST_F(WebFilesTest, BrowsersAreToldToBeCareful) {
  const HttpResponse plain = Load().Get("/", "", "");
  auto headers = Headers(plain);
  const std::string policy = headers["content-security-policy"];
  EXPECT_THAT(policy, HasSubstr("default-src 'self'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, ::testing::Not(HasSubstr("unsafe")));
  EXPECT_EQ(headers["referrer-policy"], "no-referrer");
  EXPECT_THAT(headers["permissions-policy"], HasSubstr("microphone=()"));
  EXPECT_EQ(headers.count("strict-transport-security"), 0u);
  headers = Headers(Load(true).Get("/", "", ""));
  EXPECT_THAT(headers["strict-transport-security"], HasSubstr("max-age="));
}

TEST_F(WebFilesTest, ADirectoryThatHoldsNoAppIsRefused) {
  EXPECT_THAT(std::string(WebFiles::Load("/nowhere", false).status().message()),
              HasSubstr("--web_root=/nowhere cannot be read"));
  std::filesystem::remove(folder_.path() + "/index.html");
  EXPECT_THAT(LoadError(), HasSubstr("has no index.html"));
  Write("index.html", "");
  Write("large.png", std::string((64 << 20) + 1, 'x'));
  EXPECT_THAT(LoadError(), HasSubstr("holds more than 64 MiB"));
}

}  // namespace
}  // namespace nightlog
