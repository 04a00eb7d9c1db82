#ifndef NIGHTLOG_SERVICES_FAMILY_IMPORT_H_
#define NIGHTLOG_SERVICES_FAMILY_IMPORT_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/family_service.pb.h"
#include "storage/core/ids.h"
#include "storage/family_writer.h"

namespace nightlog {

// An exported record, looked at and ready to be written.
struct ImportedRecord {
  RecordId id;
  storage::v1::StoredRecord state;
};

// The records of a request. Pure. INVALID_ARGUMENT (INVALID_FIELD, TOO_LARGE): what is wrong.
absl::StatusOr<std::vector<ImportedRecord>> DecodeImport(const v1::ImportRecordsRequest& request);

// Writes the records, each in a revision of its own, so that their order of making can be kept; one
// that is there already, word for word, is passed over. After the last ones, all that is derived of
// the family is derived anew, and it is marked as whole.
//
// Members are taken over without devices, so that past entries keep their authors; an owner can
// invite a device for each. `caller` stays an owner whatever the export says.
//
// FAILED_PRECONDITION (NOT_IMPORTING): the family takes no imported records. INVALID_ARGUMENT
// (INVALID_FIELD): a record does not fit the family.
absl::Status InstallImport(const std::vector<ImportedRecord>& records, bool last,
                           const MemberId& caller, FamilyWriter& writer);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_FAMILY_IMPORT_H_
