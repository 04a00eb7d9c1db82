#include "storage/core/errors.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/core/check.h"

namespace nightlog {
namespace {

constexpr absl::string_view kDomain = "nightlog";
constexpr absl::string_view kReasonPrefix = "ERROR_REASON_";

// The type URL under which both a status payload and a google.protobuf.Any hold a message.
template <typename Message>
std::string TypeUrl() {
  return absl::StrCat("type.googleapis.com/", Message::descriptor()->full_name());
}

template <typename Message>
void SetDetail(absl::Status& status, const Message& detail) {
  status.SetPayload(TypeUrl<Message>(), absl::Cord(detail.SerializeAsString()));
}

// The detail of that type; an empty message where there is none or it does not parse.
template <typename Message>
Message GetDetail(const absl::Status& status) {
  Message detail;
  const absl::optional<absl::Cord> payload = status.GetPayload(TypeUrl<Message>());
  if (payload.has_value() && !detail.ParseFromString(std::string(*payload))) detail.Clear();
  return detail;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, v1::ErrorReason reason, absl::string_view message,
                       std::initializer_list<std::pair<absl::string_view, std::string>> metadata) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(absl::StripPrefix(v1::ErrorReason_Name(reason), kReasonPrefix)));
  info.set_domain(std::string(kDomain));
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[std::string(key)] = value;
  absl::Status status(code, message);
  SetDetail(status, info);
  return status;
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  google::rpc::RetryInfo info;
  const int64_t seconds = absl::ToInt64Seconds(delay);
  info.mutable_retry_delay()->set_seconds(seconds);
  info.mutable_retry_delay()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(delay - absl::Seconds(seconds))));
  SetDetail(status, info);
  return status;
}

absl::Duration RetryDelayOf(const absl::Status& status) {
  const google::protobuf::Duration delay = GetDetail<google::rpc::RetryInfo>(status).retry_delay();
  return std::max(absl::Seconds(delay.seconds()) + absl::Nanoseconds(delay.nanos()),
                  absl::ZeroDuration());
}

FieldViolation MakeViolation(absl::string_view field, absl::string_view description) {
  FieldViolation violation;
  violation.set_field(std::string(field));
  violation.set_description(std::string(description));
  return violation;
}

absl::Status InvalidFieldsError(const std::vector<FieldViolation>& violations,
                                v1::ErrorReason reason) {
  CHECK(!violations.empty());
  const FieldViolation& first = violations.front();
  absl::Status status = MakeError(
      absl::StatusCode::kInvalidArgument, reason,
      absl::StrCat(
          first.field(), ": ", first.description(),
          violations.size() > 1 ? absl::StrCat(" (and ", violations.size() - 1, " more)") : ""),
      {{"field", first.field()}});
  google::rpc::BadRequest bad_request;
  for (size_t i = 0; i < std::min(violations.size(), kViolationsListed); ++i) {
    *bad_request.add_field_violations() = violations[i];
  }
  SetDetail(status, bad_request);
  return status;
}

absl::Status InvalidFieldError(absl::string_view field, absl::string_view description) {
  return InvalidFieldsError({MakeViolation(field, description)});
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  const auto info = GetDetail<google::rpc::ErrorInfo>(status);
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  if (info.domain() == kDomain) {
    v1::ErrorReason_Parse(absl::StrCat(kReasonPrefix, info.reason()), &reason);
  }
  return reason;
}

std::vector<FieldViolation> ViolationsOf(const absl::Status& status) {
  const auto bad_request = GetDetail<google::rpc::BadRequest>(status);
  return {bad_request.field_violations().begin(), bad_request.field_violations().end()};
}

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status rpc;
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(std::string(status.message()));
  status.ForEachPayload([&rpc](absl::string_view type_url, const absl::Cord& payload) {
    google::protobuf::Any& any = *rpc.add_details();
    any.set_type_url(std::string(type_url));
    any.set_value(std::string(payload));
  });
  return rpc;
}

absl::Status FromRpcStatus(const google::rpc::Status& rpc) {
  absl::Status status(static_cast<absl::StatusCode>(rpc.code()), rpc.message());
  for (const google::protobuf::Any& any : rpc.details()) {
    status.SetPayload(any.type_url(), absl::Cord(any.value()));
  }
  return status;
}

}  // namespace nightlog
