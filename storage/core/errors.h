#ifndef NIGHTLOG_STORAGE_CORE_ERRORS_H_
#define NIGHTLOG_STORAGE_CORE_ERRORS_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "nightlog/v1/error_reason.pb.h"

namespace nightlog {

// Errors that people and programs can act on. Each is an absl::Status whose message is one plain
// sentence with the cure, and whose payloads are the google.rpc details that go over the wire.

// An error with its one ErrorInfo. `metadata` holds each value that the message mentions.
absl::Status MakeError(
    absl::StatusCode code, v1::ErrorReason reason, absl::string_view message,
    std::initializer_list<std::pair<absl::string_view, std::string>> metadata = {});

// Adds RetryInfo: try again after `delay`.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// How long an error asks to wait; zero where it does not say.
absl::Duration RetryDelayOf(const absl::Status& status);

// A field that is wrong: its path from the request, and what would be right.
using FieldViolation = google::rpc::BadRequest::FieldViolation;
FieldViolation MakeViolation(absl::string_view field, absl::string_view description);

// Most violations that an error lists: details travel in gRPC trailers, which hold 8 KiB.
constexpr size_t kViolationsListed = 16;

// INVALID_ARGUMENT with the reason and one BadRequest that lists the first kViolationsListed; the
// message says how many there are. REQUIRES: at least one violation.
absl::Status InvalidFieldsError(const std::vector<FieldViolation>& violations,
                                v1::ErrorReason reason = v1::ERROR_REASON_INVALID_FIELD);

// The same for one field.
absl::Status InvalidFieldError(absl::string_view field, absl::string_view description);

// The reason of an error made by this file, here or on the other side; UNSPECIFIED for others.
v1::ErrorReason ReasonOf(const absl::Status& status);

// The field violations of an error; empty where there are none.
std::vector<FieldViolation> ViolationsOf(const absl::Status& status);

// To and from the wire; code, message and details survive.
google::rpc::Status ToRpcStatus(const absl::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_ERRORS_H_
