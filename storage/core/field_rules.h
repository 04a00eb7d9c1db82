#ifndef NIGHTLOG_STORAGE_CORE_FIELD_RULES_H_
#define NIGHTLOG_STORAGE_CORE_FIELD_RULES_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "nightlog/v1/field_rules.pb.h"
#include "storage/core/errors.h"

namespace nightlog {

// Reads the rules that the protos state beside each field (nightlog.v1.FieldRules), so that bounds,
// formats and merge rules stand in one place.

// The merge rule of a field group; REGISTER for groups this build does not know.
v1::MergeRule MergeRuleOf(const google::protobuf::Descriptor& record, uint32_t group);

// Appends a violation for each field of `message`, at any depth, that breaks its rules, and for
// each value that is wrong in itself: an interval or plan that ends before it begins, a window of
// no length, an entry that says nothing. `path` names the message from the request. Unknown fields
// and enum values pass: a newer client may know more.
void Validate(const google::protobuf::Message& message, absl::string_view path,
              std::vector<FieldViolation>& violations);

// The same for one field of `message` and what is below it.
void ValidateField(const google::protobuf::Message& message,
                   const google::protobuf::FieldDescriptor& field, absl::string_view path,
                   std::vector<FieldViolation>& violations);

// Validate() as a Status: OK, or InvalidFieldsError. For whole requests.
absl::Status ValidateRequest(const google::protobuf::Message& request);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_FIELD_RULES_H_
