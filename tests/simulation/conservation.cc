#include "tests/simulation/conservation.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/core/edit_time.h"
#include "storage/core/field_rules.h"
#include "storage/core/merge.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/family_reader.h"

namespace nightlog::simulation {
namespace {

using storage::v1::StoredGroup;
using storage::v1::StoredRecord;
using storage::v1::StoredVersion;

using EditKey = std::tuple<std::string, uint64_t, uint32_t>;

EditKey KeyOf(const v1::EditId& id) { return {id.replica_id(), id.seq(), id.index()}; }
EditKey KeyOf(const storage::v1::StoredEditId& id) {
  return {id.replica_id(), id.seq(), id.index()};
}

std::string Name(const EditKey& key) {
  return absl::StrCat(absl::BytesToHexString(std::get<0>(key).substr(0, 2)), "/", std::get<1>(key),
                      "/", std::get<2>(key));
}

// An edit that was committed, as the journal has it.
struct Committed {
  EditKey key;
  v1::Edit edit;
  absl::Time estimate;
  absl::Time made_wall;
  uint64_t revision;
};

// Two values of a register that say the same.
bool Agree(const Committed& a, const Committed& b) {
  if (ValueOf(a.edit) == ValueOf(b.edit)) return true;
  if (!a.edit.log_entry().has_interval() || !b.edit.log_entry().has_interval()) return false;
  // The server corrects tapped times; allow for what it may have moved them by.
  const auto interval = [](const Committed& c) {
    v1::Interval interval = c.edit.log_entry().interval();
    CorrectTappedTimes(c.estimate, c.made_wall, interval);
    return interval;
  };
  const v1::Interval x = interval(a);
  const v1::Interval y = interval(b);
  const auto close = [](const google::protobuf::Timestamp& s,
                        const google::protobuf::Timestamp& t) {
    return absl::AbsDuration(FromProto(s) - FromProto(t)) <= absl::Minutes(3) + absl::Seconds(1);
  };
  return close(x.began_at(), y.began_at()) && x.has_ended_at() == y.has_ended_at() &&
         (!x.has_ended_at() || close(x.ended_at(), y.ended_at()));
}

class Checker {
 public:
  Checker(const ReadView& view, const FamilyId& family) : reader_(view, family) {}

  std::string Check() {
    const std::string failure = ReadJournal();
    return failure.empty() ? CheckRecords() : failure;
  }

 private:
  // Fills edits_.
  std::string ReadJournal() {
    const auto head = reader_.Head();
    for (uint64_t revision = 1; revision <= (*head)->revision(); ++revision) {
      const auto entry = reader_.Journal(revision);
      if (!entry.ok() || !entry->has_value()) return absl::StrCat("no journal at ", revision);
      if ((*entry)->transaction().empty()) continue;
      v1::Transaction transaction;
      if (!transaction.ParseFromString((*entry)->transaction())) return "damaged journal";
      const std::string& replica = (*entry)->replica_id();
      for (int i = 0; i < transaction.edits_size(); ++i) {
        const v1::Edit& edit = transaction.edits(i);
        const EditKey key = {replica, transaction.seq(), static_cast<uint32_t>(i)};
        edits_[edit.record_id()].push_back({key, edit, FromProto((*entry)->made_at()),
                                            FromProto(transaction.made_at().wall()), revision});
      }
    }
    return "";
  }

  std::string CheckRecords() {
    for (const auto& [id, edits] : edits_) {
      const auto record = reader_.Record(RecordId(id));
      if (!record.ok() || !record->has_value()) return "C5: a committed record is missing";
      std::string failure = CheckExistence(**record, edits);
      std::map<uint32_t, std::vector<const Committed*>> groups;
      for (const Committed& committed : edits) {
        if (committed.edit.group() != kExistence) {
          groups[committed.edit.group()].push_back(&committed);
        }
      }
      for (const auto& [group, committed] : groups) {
        if (failure.empty()) failure = CheckGroup(**record, group, committed);
      }
      if (!failure.empty()) return absl::StrCat(failure, " (record ", RecordId(id).hex(), ")");
    }
    return "";
  }

  // A deleted record: its last edit is a deletion, and that one saw all that stands.
  static std::string CheckExistence(const StoredRecord& record,
                                    const std::vector<Committed>& edits) {
    const Committed* last = &edits.back();
    const bool deletes = last->edit.has_existence() && last->edit.existence().deleted();
    if (record.deleted() && !deletes) return "C5: an edit after a deletion did not bring it back";
    bool saw_all = true;
    for (const StoredGroup& group : record.groups()) {
      for (const StoredVersion& version : group.versions()) {
        v1::Existence existence;
        if (group.group() == kExistence &&
            (!existence.ParseFromString(version.value()) || existence.deleted())) {
          continue;
        }
        if (SawVersion(last->edit, version)) continue;
        saw_all = false;
        if (record.deleted() && group.group() != kExistence && !AnyDeletionSaw(version, edits)) {
          return "C5: a deletion beat an edit that it had not seen";
        }
      }
    }
    if (deletes && saw_all && !record.deleted()) {
      return "a deletion that saw everything had no effect";
    }
    return "";
  }

  static bool SawVersion(const v1::Edit& edit, const StoredVersion& version) {
    for (const v1::EditId& id : edit.saw()) {
      if (KeyOf(id) == KeyOf(version.edit())) return true;
      for (const auto& agreed : version.agreed()) {
        if (KeyOf(id) == KeyOf(agreed)) return true;
      }
    }
    return false;
  }

  static bool AnyDeletionSaw(const StoredVersion& version, const std::vector<Committed>& edits) {
    for (const Committed& committed : edits) {
      if (!committed.edit.has_existence()) continue;
      if (SawVersion(committed.edit, version)) return true;
    }
    return false;
  }

  // For each edit a number that it shares with those it agrees with, directly or by way of others:
  // a value that agreed with one that agreed with a third was merged with it.
  static std::vector<size_t> SayingTheSame(const std::vector<const Committed*>& edits) {
    std::vector<size_t> number(edits.size());
    for (size_t i = 0; i < edits.size(); ++i) {
      number[i] = i;
      for (size_t j = 0; j < i; ++j) {
        if (number[j] == i || !Agree(*edits[i], *edits[j])) continue;
        const size_t merged = number[j];
        for (size_t k = 0; k < i; ++k) {
          if (number[k] == merged) number[k] = i;
        }
      }
    }
    return number;
  }

  // C5: each committed value stands, or agreed with one that stands, or was replaced by an edit
  // that had seen it; and nothing stands that was replaced by an edit that named it.
  static std::string CheckGroup(const StoredRecord& record, uint32_t group,
                                const std::vector<const Committed*>& edits) {
    const v1::MergeRule rule = MergeRuleOf(*DescriptorOf(record.kind()), group);
    if (rule == v1::MERGE_RULE_SET) return CheckSet(record, group, edits);
    const StoredGroup* stored = FindGroup(record, group);
    std::set<EditKey> standing;
    if (stored != nullptr) {
      for (const StoredVersion& version : stored->versions()) {
        standing.insert(KeyOf(version.edit()));
        for (const auto& agreed : version.agreed()) standing.insert(KeyOf(agreed));
      }
    }
    const std::vector<size_t> said = SayingTheSame(edits);
    for (size_t i = 0; i < edits.size(); ++i) {
      const Committed& old = *edits[i];
      bool named = false;
      // A text without a letter is no text.
      bool replaced = rule == v1::MERGE_RULE_TEXT && old.edit.log_entry().text().empty() &&
                      old.edit.plan().text().empty();
      for (const Committed* later : edits) {
        if (later->revision <= old.revision) continue;
        for (const v1::EditId& id : later->edit.saw()) {
          if (KeyOf(id) == old.key) named = true;
          for (size_t j = 0; j < edits.size(); ++j) {
            if (edits[j]->key == KeyOf(id) && said[j] == said[i]) replaced = true;
          }
        }
      }
      replaced = replaced || named;
      if (rule == v1::MERGE_RULE_APPEND) replaced = named = false;
      if (standing.count(old.key) == 0 && !replaced) {
        return absl::StrCat("C5: lost edit ", Name(old.key), " of group ", group);
      }
      if (stored == nullptr || !named) continue;
      for (const StoredVersion& version : stored->versions()) {
        if (KeyOf(version.edit()) == old.key) {
          return absl::StrCat("edit ", Name(old.key), " of group ", group,
                              " stands although it was replaced");
        }
      }
    }
    if (rule != v1::MERGE_RULE_REGISTER || stored == nullptr) return "";
    // What stands says what was tapped, fields unknown to the server included.
    for (const StoredVersion& version : stored->versions()) {
      for (const Committed* committed : edits) {
        if (committed->key == KeyOf(version.edit()) &&
            ValueOf(committed->edit) != version.value()) {
          return absl::StrCat("edit ", Name(committed->key), " changed on its way");
        }
      }
    }
    return "";
  }

  static const google::protobuf::RepeatedPtrField<std::string>& ElementsOf(
      const v1::LogEntry& entry, uint32_t group) {
    return group == v1::LogEntry::kTagsFieldNumber ? entry.tags() : entry.separate_from();
  }

  // An element is there iff some edit added it that no removal of it had seen.
  static std::string CheckSet(const StoredRecord& record, uint32_t group,
                              const std::vector<const Committed*>& edits) {
    std::set<std::string> expected;
    for (size_t i = 0; i < edits.size(); ++i) {
      for (const std::string& element : ElementsOf(edits[i]->edit.log_entry(), group)) {
        bool removed = false;
        for (size_t j = i + 1; j < edits.size(); ++j) {
          const v1::Edit& later = edits[j]->edit;
          const auto& gone = later.removed_elements();
          if (std::find(gone.begin(), gone.end(), element) == gone.end()) continue;
          for (const v1::EditId& id : later.saw()) removed |= KeyOf(id) == edits[i]->key;
        }
        if (!removed) expected.insert(element);
      }
    }
    v1::LogEntry entry;
    if (!ParseBody(record, entry)) return "a set on another kind of record";
    const auto& elements = ElementsOf(entry, group);
    const std::set<std::string> actual(elements.begin(), elements.end());
    return expected == actual ? "" : absl::StrCat("C5: wrong elements in group ", group);
  }

  const FamilyReader reader_;
  // By record id, in the order of commits.
  std::map<std::string, std::vector<Committed>> edits_;
};

}  // namespace

std::string CheckConservation(const ReadView& view, const FamilyId& family) {
  return Checker(view, family).Check();
}

}  // namespace nightlog::simulation
