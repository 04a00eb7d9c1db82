#ifndef NIGHTLOG_SERVICES_IMPORTS_REMARK_H_
#define NIGHTLOG_SERVICES_IMPORTS_REMARK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "nightlog/v1/import_service.pb.h"

namespace nightlog::imports {

// What there is to tell about a row or a file, with its sentence in English. `values` are what the
// reason is about; long ones are cut short. Pure.
v1::ImportRemark MakeRemark(v1::ImportReason reason, const std::vector<std::string>& values = {},
                            int line = 0);

// The same as an error: INVALID_ARGUMENT, with the sentence as its message.
absl::Status Refusal(v1::ImportReason reason, const std::vector<std::string>& values = {},
                     int line = 0);

// The remark of an error that Refusal() made.
v1::ImportRemark RemarkOf(const absl::Status& refusal);

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_REMARK_H_
