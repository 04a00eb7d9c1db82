#include "clients/cli/family_view.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// Fewer hex digits than this are not shown even where they would do.
constexpr size_t kShortestId = 6;

bool NameOrIdFits(absl::string_view wanted, absl::string_view name, absl::string_view id) {
  return absl::EqualsIgnoreCase(wanted, name) ||
         (wanted.size() >= 4 && absl::StartsWith(absl::BytesToHexString(id), wanted));
}

}  // namespace

absl::StatusOr<FamilyView> FamilyView::Load(const Replica& replica, const FamilyId& family) {
  FamilyView view;
  ASSIGN_OR_RETURN(const FamilyState state, replica.FamilyStateOf(family));
  view.own_member_id_ = state.pairing.member_id();
  ASSIGN_OR_RETURN(const std::vector<ShownRecord> members, replica.List(family, kMember));
  for (const ShownRecord& shown : members) {
    view.members_[shown.record.record_id()] = shown.record.member();
  }
  ASSIGN_OR_RETURN(const std::vector<ShownRecord> children, replica.List(family, kChild));
  for (const ShownRecord& shown : children) {
    if (shown.record.deleted()) continue;
    NamedChild child{RecordId(shown.record.record_id()), shown.record.child(), absl::UTCTimeZone()};
    absl::LoadTimeZone(child.child.home_zone(), &child.zone);
    view.children_.push_back(std::move(child));
  }
  return view;
}

bool FamilyView::SharesEntries() const {
  const auto own = members_.find(own_member_id_);
  return own == members_.end() || own->second.role() != v1::ROLE_CONSULTANT ||
         own->second.consent_scope() == v1::CONSENT_SCOPE_ENTRIES;
}

std::string FamilyView::MemberName(absl::string_view member_id) const {
  const auto found = members_.find(std::string(member_id));
  return found == members_.end() ? "somebody" : found->second.name();
}

std::string FamilyView::CaregiverOf(const v1::Record& record) const {
  if (record.log_entry().has_caregiver_id()) return MemberName(record.log_entry().caregiver_id());
  return MemberName(record.created_by().empty() ? own_member_id_ : record.created_by());
}

absl::StatusOr<NamedChild> FamilyView::ChildCalled(const absl::optional<std::string>& name) const {
  if (children_.empty()) {
    return absl::NotFoundError("there is no child in this family yet; add one with 'child add'");
  }
  std::vector<NamedChild> fitting;
  std::vector<std::string> names;
  for (const NamedChild& child : children_) {
    names.push_back(child.child.name());
    if (!name.has_value() || NameOrIdFits(*name, child.child.name(), child.id.bytes())) {
      fitting.push_back(child);
    }
  }
  if (fitting.size() == 1) return fitting[0];
  const std::string all = absl::StrJoin(names, ", ");
  if (fitting.empty()) {
    return absl::NotFoundError(absl::StrCat("there is no child '", *name, "', only ", all));
  }
  return absl::InvalidArgumentError(absl::StrCat("say which child with --child: ", all));
}

absl::optional<NamedChild> FamilyView::ChildWithId(absl::string_view id) const {
  for (const NamedChild& child : children_) {
    if (child.id.bytes() == id) return child;
  }
  return absl::nullopt;
}

absl::StatusOr<std::string> FamilyView::MemberCalled(absl::string_view name) const {
  std::vector<std::string> fitting;
  std::vector<std::string> names;
  for (const auto& [id, member] : members_) {
    if (member.removed()) continue;
    names.push_back(member.name());
    if (NameOrIdFits(name, member.name(), id)) fitting.push_back(id);
  }
  if (fitting.size() == 1) return fitting[0];
  if (fitting.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no member '", name, "', only ", absl::StrJoin(names, ", ")));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("several members fit '", name, "'; give how the member's id begins"));
}

absl::StatusOr<ShortIds> ShortIds::Load(const Replica& replica, const FamilyId& family) {
  ShortIds ids;
  for (const uint32_t kind : {kChild, kLogEntry, kPlan, kComment}) {
    ASSIGN_OR_RETURN(std::vector<ShownRecord> shown, replica.List(family, kind));
    for (ShownRecord& record : shown) {
      std::string hex = absl::BytesToHexString(record.record.record_id());
      ids.records_[std::move(hex)] = std::move(record.record);
    }
  }
  return ids;
}

std::string ShortIds::Short(absl::string_view id) const {
  const std::string hex = absl::BytesToHexString(id);
  size_t digits = kShortestId;
  const auto tell_from = [&](const std::string& other) {
    const size_t common = std::mismatch(hex.begin(), hex.end(), other.begin()).first - hex.begin();
    digits = std::max(digits, common + 1);
  };
  const auto next = records_.upper_bound(hex);
  if (next != records_.end()) tell_from(next->first);
  const auto at_or_after = records_.lower_bound(hex);
  if (at_or_after != records_.begin()) tell_from(std::prev(at_or_after)->first);
  return hex.substr(0, digits);
}

absl::StatusOr<v1::Record> ShortIds::Find(absl::string_view prefix) const {
  const std::string wanted = absl::AsciiStrToLower(prefix);
  const auto found = records_.lower_bound(wanted);
  if (wanted.empty() || found == records_.end() || !absl::StartsWith(found->first, wanted)) {
    return absl::NotFoundError(absl::StrCat("no record's id begins with '", prefix, "'"));
  }
  const auto next = std::next(found);
  if (next != records_.end() && absl::StartsWith(next->first, wanted)) {
    return absl::InvalidArgumentError(
        absl::StrCat("several ids begin with '", prefix, "'; give more of it"));
  }
  return found->second;
}

absl::StatusOr<std::vector<ShownRecord>> EntriesBetween(const Replica& replica,
                                                        const FamilyId& family,
                                                        const RecordId& child, absl::Time begin,
                                                        absl::Time end) {
  ASSIGN_OR_RETURN(std::vector<ShownRecord> entries, replica.List(family, kLogEntry));
  const auto began = [](const ShownRecord& shown) {
    return FromProto(shown.record.log_entry().interval().began_at());
  };
  entries.erase(std::remove_if(entries.begin(), entries.end(),
                               [&](const ShownRecord& shown) {
                                 return shown.record.deleted() ||
                                        shown.record.log_entry().child_id() != child.bytes() ||
                                        began(shown) < begin || began(shown) >= end;
                               }),
                entries.end());
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const ShownRecord& a, const ShownRecord& b) { return began(a) < began(b); });
  return entries;
}

absl::StatusOr<std::vector<v1::NightSummary>> NightsOf(const Replica& replica,
                                                       const FamilyId& family,
                                                       const RecordId& child) {
  ASSIGN_OR_RETURN(std::vector<ShownRecord> shown, replica.List(family, kNightSummary));
  std::vector<v1::NightSummary> nights;
  for (ShownRecord& record : shown) {
    v1::NightSummary& night = *record.record.mutable_night_summary();
    if (!record.record.deleted() && night.child_id() == child.bytes()) {
      nights.push_back(std::move(night));
    }
  }
  std::sort(nights.begin(), nights.end(), [](const v1::NightSummary& a, const v1::NightSummary& b) {
    return a.date() < b.date();
  });
  return nights;
}

}  // namespace nightlog::cli
