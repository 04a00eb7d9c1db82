#include "storage/core/errors.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a client finds of one type among the details that came over the wire.
template <typename Detail>
std::vector<Detail> DetailsOf(const google::rpc::Status& rpc) {
  std::vector<Detail> found;
  for (const google::protobuf::Any& any : rpc.details()) {
    Detail detail;
    if (any.UnpackTo(&detail)) found.push_back(detail);
  }
  return found;
}

std::vector<FieldViolation> Violations(int count) {
  std::vector<FieldViolation> violations(count);
  for (int i = 0; i < count; ++i) {
    violations[i].set_field(absl::StrCat("edits[", i, "].child.name"));
    violations[i].set_description("is required");
  }
  return violations;
}

TEST(ErrorsTest, AnErrorCarriesOneErrorInfoOverTheWireAndBack) {
  const absl::Status status =
      MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_INVITE_NOT_VALID,
                "Code 7 is not valid; ask for a new one.", {{"code", "7"}});
  const google::rpc::Status rpc = ToRpcStatus(status);
  EXPECT_EQ(rpc.code(), 5);
  EXPECT_EQ(rpc.message(), "Code 7 is not valid; ask for a new one.");
  const auto infos = DetailsOf<google::rpc::ErrorInfo>(rpc);
  ASSERT_EQ(infos.size(), 1u);
  EXPECT_EQ(infos[0].reason(), "INVITE_NOT_VALID");
  EXPECT_EQ(infos[0].domain(), "nightlog");
  EXPECT_EQ(infos[0].metadata().at("code"), "7");

  google::rpc::Status parsed;
  ASSERT_TRUE(parsed.ParseFromString(rpc.SerializeAsString()));
  EXPECT_EQ(FromRpcStatus(parsed), status);
  EXPECT_EQ(ReasonOf(FromRpcStatus(parsed)), v1::ERROR_REASON_INVITE_NOT_VALID);
}

TEST(ErrorsTest, EveryReasonComesBack) {
  const auto& reasons = *v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons.value_count(); ++i) {
    const auto reason = static_cast<v1::ErrorReason>(reasons.value(i)->number());
    EXPECT_EQ(ReasonOf(MakeError(absl::StatusCode::kAborted, reason, "text")), reason);
  }
}

TEST(ErrorsTest, ErrorsOfOthersHaveNoReason) {
  EXPECT_EQ(ReasonOf(absl::OkStatus()), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonOf(absl::UnavailableError("no route")), v1::ERROR_REASON_UNSPECIFIED);
  absl::Status status = MakeError(absl::StatusCode::kAborted, v1::ERROR_REASON_BUSY, "text");
  google::rpc::Status rpc = ToRpcStatus(status);
  google::rpc::ErrorInfo info;
  info.set_reason("BUSY");
  info.set_domain("another.example");
  rpc.mutable_details(0)->set_value(info.SerializeAsString());
  EXPECT_EQ(ReasonOf(FromRpcStatus(rpc)), v1::ERROR_REASON_UNSPECIFIED);
  info.set_domain("nightlog");
  info.set_reason("A_NEWER_SERVERS_REASON");
  rpc.mutable_details(0)->set_value(info.SerializeAsString());
  EXPECT_EQ(ReasonOf(FromRpcStatus(rpc)), v1::ERROR_REASON_UNSPECIFIED);
  rpc.mutable_details(0)->set_value("\xff damaged");
  EXPECT_EQ(ReasonOf(FromRpcStatus(rpc)), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(ErrorsTest, InvalidFieldsAreOneErrorInfoAndOneBadRequest) {
  const absl::Status status = InvalidFieldsError(Violations(2));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               "edits[0].child.name: is required (and 1 more)"));
  const google::rpc::Status rpc = ToRpcStatus(status);
  EXPECT_EQ(rpc.details_size(), 2);
  EXPECT_EQ(DetailsOf<google::rpc::ErrorInfo>(rpc).size(), 1u);
  ASSERT_EQ(DetailsOf<google::rpc::BadRequest>(rpc).size(), 1u);
  EXPECT_EQ(ViolationsOf(FromRpcStatus(rpc)).size(), 2u);
  EXPECT_EQ(ViolationsOf(FromRpcStatus(rpc))[1].field(), "edits[1].child.name");
  EXPECT_THAT(InvalidFieldsError(Violations(1)).message(), "edits[0].child.name: is required");
  EXPECT_DEATH(InvalidFieldsError({}).IgnoreError(), "check failed");
}

TEST(ErrorsTest, AnErrorWithManyViolationsStillFitsIntoTrailers) {
  const absl::Status status = InvalidFieldsError(Violations(5000));
  EXPECT_EQ(ViolationsOf(status).size(), kViolationsListed);
  EXPECT_THAT(std::string(status.message()), HasSubstr("(and 4999 more)"));
  EXPECT_LT(ToRpcStatus(status).ByteSizeLong(), 4096u);
}

TEST(ErrorsTest, ErrorsWithoutViolationsHaveNone) {
  EXPECT_THAT(ViolationsOf(absl::OkStatus()), IsEmpty());
  EXPECT_THAT(ViolationsOf(MakeError(absl::StatusCode::kAborted, v1::ERROR_REASON_BUSY, "text")),
              IsEmpty());
}

TEST(ErrorsTest, TheRetryDelayGoesOverTheWireBesideTheReason) {
  const absl::Status status = WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUSY, "Too much at once."),
      absl::Milliseconds(2500));
  const auto infos = DetailsOf<google::rpc::RetryInfo>(ToRpcStatus(status));
  ASSERT_EQ(infos.size(), 1u);
  EXPECT_EQ(infos[0].retry_delay().seconds(), 2);
  EXPECT_EQ(infos[0].retry_delay().nanos(), 500'000'000);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(RetryDelayOf(FromRpcStatus(ToRpcStatus(status))), absl::Milliseconds(2500));
  EXPECT_EQ(RetryDelayOf(absl::UnavailableError("")), absl::ZeroDuration());
}

TEST(ErrorsTest, AnOkStatusStaysOkAndAnUnknownCodeIsAnError) {
  EXPECT_THAT(FromRpcStatus(ToRpcStatus(absl::OkStatus())), IsOk());
  google::rpc::Status rpc;
  rpc.set_code(4321);
  EXPECT_THAT(FromRpcStatus(rpc), StatusIs(absl::StatusCode::kUnknown));
}

}  // namespace
}  // namespace nightlog
