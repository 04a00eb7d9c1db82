#include "services/log_uploads.h"

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
  EXPECT_EQ(*uploads_.Get(device_, "a"), "sleep");
  EXPECT_EQ(*uploads_.Get(device_, "a"), "sleep");
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
  EXPECT_EQ(*uploads_.Get(device_, "a"), "z");
  ASSERT_TRUE(uploads_.Add(device_, Part("b", 0, "y", 1)).ok());
  EXPECT_EQ(ReasonOfGetting("a"), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(*uploads_.Get(device_, "b"), "y");
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

}  // namespace
}  // namespace nightlog
