#include "services/family_import.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/sleep_deriver.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/exported_record.h"
#include "storage/core/field_rules.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

using storage::v1::StoredMember;
using storage::v1::StoredRecord;

// Room for one record of any size that its makers could push, and many usual ones.
constexpr size_t kImportBytesMax = 2 << 20;

absl::Status DoesNotFit(const RecordId& id, absl::string_view why) {
  return InvalidFieldError(absl::StrCat("record ", id.hex()), why);
}

class Installer {
 public:
  Installer(const MemberId& caller, FamilyWriter& writer) : caller_(caller), writer_(writer) {}

  absl::Status Install(const RecordId& id, const StoredRecord& state) {
    ASSIGN_OR_RETURN(const absl::optional<StoredRecord> there, writer_.reader().Record(id));
    if (there.has_value() && DigestOf(id.bytes(), *there) == DigestOf(id.bytes(), state)) {
      return absl::OkStatus();
    }
    if (!writer_.head().importing()) {
      return MakeError(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOT_IMPORTING,
                       "This family takes no records of an export; make one for it.");
    }
    if (there.has_value() && (IsEditable(state.kind()) || there->kind() != state.kind())) {
      return DoesNotFit(id, "is in the family already, and says something else");
    }
    ASSIGN_OR_RETURN(const uint64_t revision, writer_.BeginRevision());
    RETURN_IF_ERROR(Put(id, state, revision));
    End(id);
    return absl::OkStatus();
  }

  // Everything of each child is derived with a commit that writes the child.
  absl::Status DeriveAll() {
    std::vector<std::pair<RecordId, StoredRecord>> children;
    absl::Status read;
    RETURN_IF_ERROR(writer_.reader().ScanFeed(
        FamilyStart(writer_.family()), [&](absl::string_view, const RecordId& id) {
          auto record = writer_.reader().Record(id);
          read = record.status();
          if (read.ok() && record->has_value() && (*record)->kind() == kChild) {
            children.emplace_back(id, **std::move(record));
          }
          return read.ok();
        }));
    RETURN_IF_ERROR(read);
    for (auto& [id, child] : children) {
      RETURN_IF_ERROR(writer_.BeginRevision().status());
      RETURN_IF_ERROR(writer_.PutRecord(id, std::move(child)));
      End(id);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Put(const RecordId& id, const StoredRecord& state, uint64_t revision) {
    if (IsEditable(state.kind())) {
      // What has seen it is compared by these numbers, in this family's own from here on.
      if (state.created_revision() > revision) {
        return DoesNotFit(id, "has a created_revision beyond how many records have come");
      }
      return writer_.PutRecord(id, state);
    }
    if (state.kind() == kMember) return PutMember(id, state);
    ASSIGN_OR_RETURN(const bool is_derived, IsOfKnownChild(id, state));
    if (!is_derived) return DoesNotFit(id, "is derived from no child of the family");
    return writer_.PutServerRecord({id, state.kind(), state.body()});
  }

  absl::Status PutMember(const RecordId& id, const StoredRecord& state) {
    v1::Member member;
    if (!ParseBody(state, member)) return DoesNotFit(id, "is no member");
    if (member.name().empty() || member.name().size() > 200 || !v1::Role_IsValid(member.role()) ||
        member.role() == v1::ROLE_UNSPECIFIED) {
      return DoesNotFit(id, "has no name or role");
    }
    const MemberId member_id(id.bytes());
    if (member_id == caller_ &&
        (member.role() != v1::ROLE_OWNER || member.removed() || member.has_until())) {
      return DoesNotFit(id, "imports the family, and is no owner of it");
    }
    StoredMember stored;
    stored.set_name(member.name());
    stored.set_role(member.role());
    stored.set_consent_scope(member.consent_scope());
    *stored.mutable_since() = member.since();
    if (member.has_until()) *stored.mutable_until() = member.until();
    stored.set_removed(member.removed());
    writer_.Put(kAccessColumn, MemberKey(writer_.family(), member_id), stored);
    return writer_.PutServerRecord({id, kMember, state.body()});
  }

  absl::StatusOr<bool> IsOfKnownChild(const RecordId& id, const StoredRecord& state) const {
    v1::NightSummary night;
    v1::Progress progress;
    std::string child;
    if (state.kind() == kNightSummary && ParseBody(state, night)) child = night.child_id();
    if (state.kind() == kProgress && ParseBody(state, progress)) child = progress.child_id();
    if (!RecordId::IsId(child)) return false;
    const RecordId child_id(child);
    const RecordId expected =
        state.kind() == kProgress ? ProgressId(child_id) : NightSummaryId(child_id, night.date());
    ASSIGN_OR_RETURN(const absl::optional<StoredRecord> record, writer_.reader().Record(child_id));
    return id == expected && record.has_value() && record->kind() == kChild;
  }

  void End(const RecordId& id) {
    storage::v1::JournalEntry entry;
    entry.set_member_id(caller_.str());
    *entry.mutable_made_at() = ToProto(writer_.now());
    entry.add_server_record_ids(id.str());
    entry.set_operation("import");
    writer_.EndRevision(std::move(entry));
  }

  const MemberId caller_;
  FamilyWriter& writer_;
};

}  // namespace

absl::StatusOr<std::vector<ImportedRecord>> DecodeImport(const v1::ImportRecordsRequest& request) {
  if (request.ByteSizeLong() > kImportBytesMax) {
    return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_TOO_LARGE,
                     absl::StrCat("The request has ", request.ByteSizeLong(),
                                  " bytes; send at most ", kImportBytesMax, " at once."),
                     {{"bytes", absl::StrCat(request.ByteSizeLong())}});
  }
  std::vector<FieldViolation> violations;
  // The records have rules of their own: a version may hold what a whole record may not.
  ValidateField(request,
                *v1::ImportRecordsRequest::descriptor()->FindFieldByNumber(
                    v1::ImportRecordsRequest::kFamilyIdFieldNumber),
                "", violations);
  const auto& records_field = *v1::ImportRecordsRequest::descriptor()->FindFieldByNumber(
      v1::ImportRecordsRequest::kRecordsFieldNumber);
  if (static_cast<uint32_t>(request.records_size()) >
      records_field.options().GetExtension(v1::rules).max_items()) {
    violations.push_back(MakeViolation("records", "has too many elements; at most 512"));
  }
  if (!violations.empty()) return InvalidFieldsError(violations);
  std::vector<ImportedRecord> records;
  for (int i = 0; i < request.records_size(); ++i) {
    StoredRecord state =
        RecordFromExport(request.records(i), absl::StrCat("records[", i, "]"), violations);
    if (!violations.empty()) return InvalidFieldsError(violations);
    records.push_back({RecordId(request.records(i).record_id()), std::move(state)});
  }
  return records;
}

absl::Status InstallImport(const std::vector<ImportedRecord>& records, bool last,
                           const MemberId& caller, FamilyWriter& writer) {
  Installer installer(caller, writer);
  for (const ImportedRecord& record : records) {
    RETURN_IF_ERROR(installer.Install(record.id, record.state));
  }
  if (!last || !writer.head().importing()) return absl::OkStatus();
  RETURN_IF_ERROR(installer.DeriveAll());
  writer.SetImporting(false);
  return absl::OkStatus();
}

}  // namespace nightlog
