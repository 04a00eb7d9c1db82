#include "services/log_uploads.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/random.h"
#include "tests/testing/fake_clock.h"

namespace nightlog {
namespace {

class LogUploadsTest : public ::testing::Test {
 protected:
  v1::UploadLogRequest Part(const std::string& id, uint32_t offset, const std::string& part,
                            uint32_t file_bytes) {
    v1::UploadLogRequest request;
    request.set_upload_id(id);
    request.set_file_bytes(file_bytes);
    request.set_offset(offset);
    request.set_part(part);
    return request;
  }

  static v1::ErrorReason ReasonOfAdding(const absl::StatusOr<size_t>& added) {
    return ReasonOf(added.status());
  }
  v1::ErrorReason ReasonOfGetting(const std::string& id) {
    return ReasonOf(uploads_.Get(device_, id).status());
  }

  std::string File(const std::string& id) { return **uploads_.Get(device_, id); }
  std::shared_ptr<const std::string> Upload(const DeviceId& device, const std::string& id) {
    EXPECT_TRUE(uploads_.Add(device, Part(id, 0, "z", 1)).ok());
    return *uploads_.Get(device, id);
  }

  SystemRandom random_;
  FakeClock clock_;
  LogUploads uploads_{clock_};
  const DeviceId device_ = DeviceId::Make(random_);
};

TEST_F(LogUploadsTest, PartsBecomeTheFileAndEachMayComeAgain) {
  EXPECT_EQ(*uploads_.Add(device_, Part("a", 0, "sle", 5)), 3u);
  EXPECT_EQ(ReasonOfGetting("a"), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(*uploads_.Add(device_, Part("a", 3, "ep", 5)), 5u);
  EXPECT_EQ(*uploads_.Add(device_, Part("a", 3, "ep", 5)), 5u);
  EXPECT_EQ(File("a"), "sleep");
  EXPECT_EQ(File("a"), "sleep");
  // From its begin: nothing of before is left.
  EXPECT_EQ(*uploads_.Add(device_, Part("a", 0, "z", 5)), 1u);
  EXPECT_EQ(ReasonOfGetting("a"), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(LogUploadsTest, APartThatFitsToNothingIsRefused) {
  EXPECT_EQ(ReasonOfAdding(uploads_.Add(device_, Part("a", 3, "ep", 5))),
            v1::ERROR_REASON_NOT_FOUND);
  ASSERT_TRUE(uploads_.Add(device_, Part("a", 0, "sl", 5)).ok());
  EXPECT_EQ(ReasonOfAdding(uploads_.Add(device_, Part("a", 3, "ep", 5))),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ReasonOfAdding(uploads_.Add(device_, Part("a", 2, "eeps", 5))),
            v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(ReasonOfAdding(uploads_.Add(device_, Part("a", 0xFFFFFFFF, "e", 5))),
            v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(ReasonOfAdding(uploads_.Add(device_, Part("a", 2, "eep", 6))),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(LogUploadsTest, ADeviceHasOneFileAndItIsNobodyElses) {
  ASSERT_TRUE(uploads_.Add(device_, Part("a", 0, "z", 1)).ok());
  EXPECT_EQ(ReasonOf(uploads_.Get(DeviceId::Make(random_), "a").status()),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ReasonOfAdding(uploads_.Add(device_, Part("b", 1, "y", 2))),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(File("a"), "z");
  ASSERT_TRUE(uploads_.Add(device_, Part("b", 0, "y", 1)).ok());
  EXPECT_EQ(ReasonOfGetting("a"), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(File("b"), "y");
}

TEST_F(LogUploadsTest, AFileIsForgottenOnceNobodyAsksForIt) {
  ASSERT_TRUE(uploads_.Add(device_, Part("a", 0, "z", 1)).ok());
  clock_.Advance(LogUploads::kKept - absl::Seconds(1));
  EXPECT_TRUE(uploads_.Get(device_, "a").ok());
  clock_.Advance(LogUploads::kKept - absl::Seconds(1));
  EXPECT_TRUE(uploads_.Get(device_, "a").ok());
  clock_.Advance(LogUploads::kKept);
  EXPECT_EQ(ReasonOfGetting("a"), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(LogUploadsTest, AllFilesTogetherHaveABoundAndWhatIsForgottenMakesRoom) {
  const uint32_t quarter = LogUploads::kBytesMax / 4;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(uploads_.Add(DeviceId::Make(random_), Part("a", 0, "z", quarter)).ok());
  }
  EXPECT_EQ(ReasonOfAdding(uploads_.Add(device_, Part("a", 0, "z", 1))), v1::ERROR_REASON_BUSY);
  clock_.Advance(LogUploads::kKept);
  uploads_.ForgetOld();
  EXPECT_TRUE(uploads_.Add(device_, Part("a", 0, "z", quarter)).ok());
  // A device's next file takes the place of its last.
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(uploads_.Add(DeviceId::Make(random_), Part("a", 0, "z", quarter)).ok());
  }
  EXPECT_TRUE(uploads_.Add(device_, Part("b", 0, "z", quarter)).ok());
}

TEST_F(LogUploadsTest, WhatIsReadStaysWhileAPartComesAgain) {
  ASSERT_TRUE(uploads_.Add(device_, Part("a", 0, "sleep", 5)).ok());
  const auto read = uploads_.Get(device_, "a");
  ASSERT_TRUE(uploads_.Add(device_, Part("a", 3, "zz", 5)).ok());
  EXPECT_EQ(**read, "sleep");
  EXPECT_EQ(File("a"), "slezz");
}

TEST_F(LogUploadsTest, PagesAreKeptForWhoAsksTheSameOfTheSameFile) {
  const auto file = Upload(device_, "a");
  EXPECT_EQ(uploads_.Page(device_, "a", "", 0), absl::nullopt);
  uploads_.KeepPages(device_, file, "by day", {"one", "two"});
  EXPECT_EQ(uploads_.Page(device_, "a", "by day", 0), "one");
  EXPECT_EQ(uploads_.Page(device_, "a", "by day", 1), "two");
  EXPECT_EQ(uploads_.Page(device_, "a", "by day", 2), absl::nullopt);
  EXPECT_EQ(uploads_.Page(device_, "a", "by month", 0), absl::nullopt);
  EXPECT_EQ(uploads_.Page(device_, "b", "by day", 0), absl::nullopt);
  EXPECT_EQ(uploads_.Page(DeviceId::Make(random_), "a", "by day", 0), absl::nullopt);
  uploads_.KeepPages(device_, file, "by month", {"three"});
  EXPECT_EQ(uploads_.Page(device_, "a", "by day", 0), absl::nullopt);
  EXPECT_EQ(uploads_.Page(device_, "a", "by month", 0), "three");
}

TEST_F(LogUploadsTest, PagesGoWithTheirFileAndStayWhileTheyAreAskedFor) {
  auto file = Upload(device_, "a");
  uploads_.KeepPages(device_, file, "", {"one"});
  ASSERT_TRUE(uploads_.Add(device_, Part("a", 0, "y", 1)).ok());
  EXPECT_EQ(uploads_.Page(device_, "a", "", 0), absl::nullopt);
  uploads_.KeepPages(device_, file, "", {"one"});
  EXPECT_EQ(uploads_.Page(device_, "a", "", 0), absl::nullopt) << "of what the file was";
  file = Upload(device_, "b");
  uploads_.KeepPages(device_, file, "", {"one"});
  for (int i = 0; i < 2; ++i) {
    clock_.Advance(LogUploads::kKept - absl::Seconds(1));
    EXPECT_EQ(uploads_.Page(device_, "b", "", 0), "one");
  }
  clock_.Advance(LogUploads::kKept);
  EXPECT_EQ(uploads_.Page(device_, "b", "", 0), absl::nullopt);
  uploads_.KeepPages(device_, file, "", {"one"});
  EXPECT_EQ(uploads_.Page(device_, "b", "", 0), absl::nullopt);
}

TEST_F(LogUploadsTest, AllPagesTogetherHaveABoundToo) {
  const DeviceId other = DeviceId::Make(random_);
  const auto file = Upload(device_, "a");
  uploads_.KeepPages(device_, file, "", {std::string(LogUploads::kBytesMax - 1, 'z'), "y"});
  EXPECT_TRUE(uploads_.Page(device_, "a", "", 1).has_value());
  const auto of_other = Upload(other, "a");
  uploads_.KeepPages(other, of_other, "", {"x"});
  EXPECT_EQ(uploads_.Page(other, "a", "", 0), absl::nullopt);
  // The next ones of a file take the place of those before.
  uploads_.KeepPages(device_, file, "", {std::string(LogUploads::kBytesMax - 1, 'x')});
  uploads_.KeepPages(other, of_other, "", {"x"});
  EXPECT_EQ(uploads_.Page(other, "a", "", 0), "x");
}

}  // namespace
}  // namespace nightlog
