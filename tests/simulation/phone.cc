#include "tests/simulation/phone.h"

#include <algorithm>
#include <utility>

#include "storage/core/check.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"

namespace nightlog::simulation {
namespace {

// As device.proto lists them.
enum PhoneColumn : Column {
  kFamilyColumn = 1,
  kRecordColumn,
  kOutboxColumn,
  kSentColumn,
  kAttentionColumn
};

bool HoldsAny(const v1::LogEntry& entry, const v1::Edit& edit) {
  const auto holds = [&edit](const std::string& element) {
    const auto& removed = edit.removed_elements();
    return std::find(removed.begin(), removed.end(), element) != removed.end();
  };
  return std::any_of(entry.tags().begin(), entry.tags().end(), holds) ||
         std::any_of(entry.separate_from().begin(), entry.separate_from().end(), holds);
}

}  // namespace

bool PhoneContent::HasRecord(const std::string& id) const {
  return std::any_of(records.begin(), records.end(),
                     [&id](const auto& record) { return record.first == id; });
}

std::string Screen::Check(const Replica& replica, const FamilyId& family,
                          const std::set<RecordId>& ids) {
  std::map<RecordId, std::string> now;
  for (const RecordId& id : ids) {
    const auto shown = replica.Get(family, id);
    if (!shown.ok()) return std::string(shown.status().message());
    if (!shown->has_value()) continue;
    now[id] = SerializeDeterministic((*shown)->record) + ((*shown)->pending ? "pending" : "");
  }
  for (const RecordId& id : told_) {
    const auto found = now.find(id);
    if (found == now.end()) {
      shown_.erase(id);
    } else {
      shown_[id] = found->second;
    }
  }
  told_.clear();
  const bool is_right = !std::exchange(started_, true) || shown_ == now;
  shown_ = std::move(now);
  return is_right ? "" : "C3: an app was not told that its screen is old";
}

std::vector<const KeptTransaction*> PhoneReader::ReadTransactions(const ReadView& view,
                                                                  Column column,
                                                                  const FamilyId& family) {
  std::vector<const KeptTransaction*> rows;
  auto it = view.Scan(column, family.bytes(), "");
  for (; it->Valid(); it->Next()) {
    std::unique_ptr<KeptTransaction>& row = rows_[std::string(it->value())];
    if (row == nullptr) {
      row = std::make_unique<KeptTransaction>();
      storage::v1::DeviceTransaction stored;
      CHECK(stored.ParseFromArray(it->value().data(), static_cast<int>(it->value().size())));
      CHECK(row->transaction.ParseFromString(stored.transaction()));
      row->name = NameOf(row->transaction);
      row->replica_id = stored.replica_id();
      row->revision = stored.revision();
      google::rpc::Status rejection;
      CHECK(rejection.ParseFromString(stored.status()));
      row->lacks_its_record = LacksItsRecord(rejection);
    }
    rows.push_back(row.get());
  }
  return rows;
}

PhoneContent PhoneReader::Read(const ReadView& view, const FamilyId& family) {
  PhoneContent content;
  const auto row = view.Get(kFamilyColumn, family.bytes());
  CHECK(row.ok());
  if (!row->has_value()) return content;
  CHECK(content.family.ParseFromString(**row));
  auto it = view.Scan(kRecordColumn, family.bytes(), "");
  for (; it->Valid(); it->Next()) {
    content.records.emplace_back(it->key().substr(FamilyId::kSize), it->value());
  }
  content.outbox = ReadTransactions(view, kOutboxColumn, family);
  content.sent = ReadTransactions(view, kSentColumn, family);
  content.attention = ReadTransactions(view, kAttentionColumn, family);
  return content;
}

std::vector<EditName> ExpectedSaw(const Tap::Change& change, const v1::Record& shown) {
  const v1::Edit& edit = change.edit;
  const bool is_text =
      (edit.has_log_entry() && edit.group() == 5) || (edit.has_plan() && edit.group() == 4);
  const bool is_set = edit.has_log_entry() && (edit.group() == 4 || edit.group() == 8);
  const bool is_thread = edit.has_comment() && edit.group() == 2;
  std::vector<EditName> saw;
  for (const v1::Group& group : shown.groups()) {
    for (int i = 0; i < group.versions_size(); ++i) {
      bool names = false;
      if (edit.has_existence()) {
        names = edit.existence().deleted() || group.group() == 0;
      } else if (group.group() == 0) {
        names = shown.deleted();
      } else if (change.replaced.has_value()) {
        // An undo: what it takes back, and nothing else.
        const v1::Version& version = group.versions(i);
        const EditName undone = NameOf(*change.replaced);
        names = NameOf(version.edit()) == undone;
        for (const v1::EditId& agreed : version.agreed()) names |= NameOf(agreed) == undone;
        names = names && group.group() == edit.group();
      } else if (group.group() == edit.group() && !is_thread) {
        names = is_text || change.resolves ||
                (is_set ? HoldsAny(group.versions(i).log_entry(), edit) : i == 0);
      }
      if (names) saw.push_back(NameOf(group.versions(i).edit()));
    }
  }
  std::sort(saw.begin(), saw.end());
  return saw;
}

v1::Record ExpectedOnScreen(const std::string& id, const NaiveRecord* confirmed,
                            const std::vector<const KeptTransaction*>& outbox,
                            const std::string& member,
                            absl::FunctionRef<bool(const KeptTransaction&)> is_confirmed) {
  NaiveRecord record;
  if (confirmed != nullptr) record = *confirmed;
  for (const KeptTransaction* kept : outbox) {
    const KeptTransaction& row = *kept;
    for (int i = 0; i < row.transaction.edits_size(); ++i) {
      const v1::Edit& edit = row.transaction.edits(i);
      if (edit.record_id() != id) continue;
      const uint32_t kind =
          edit.has_existence() ? record.kind : static_cast<uint32_t>(edit.value_case());
      if (kind == 0 || (record.kind != 0 && kind != record.kind)) continue;
      const EditName name = {row.replica_id, row.transaction.seq(), static_cast<uint32_t>(i)};
      bool stands = false;
      for (const NaiveValue& value : record.groups[edit.group()]) {
        stands |=
            std::find(value.said_by.begin(), value.said_by.end(), name) != value.said_by.end();
      }
      if (stands && is_confirmed(row)) continue;
      Apply({edit, name, member, FromProto(row.transaction.made_at().wall()),
             absl::InfiniteFuture(), absl::Time(), /*on_phone=*/true},
            record);
    }
  }
  if (record.kind == 0) return v1::Record();
  v1::Record shown = ToWire(id, record);
  shown.set_digest(record.digest);
  return shown;
}

}  // namespace nightlog::simulation
