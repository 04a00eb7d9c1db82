#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "services/sleep_deriver.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

void World::ReadSomething(Phone& phone) {
  if (server_.process() == nullptr) return;
  const Entitlement entitled = model_.EntitlementOf(phone.device, server_.clock().Now());
  const auto all = model_.AllAt(model_.revision());
  auto some = all.begin();
  std::advance(some, static_cast<std::ptrdiff_t>(random_.Below(all.size())));
  switch (random_.Below(4)) {
    case 0:
      return ReadHistory(phone, entitled, some->first, *some->second);
    case 1:
      return ReadNights(phone, entitled, all);
    case 2:
      return ReadExport(phone, entitled, all);
    default:
      return ReadMembers(phone, entitled);
  }
}

void World::ReadHistory(Phone& phone, const Entitlement& entitled, const std::string& id,
                        const NaiveRecord& record) {
  v1::ListHistoryRequest request;
  request.set_family_id(family_.str());
  request.set_record_id(id);
  request.set_page_size(static_cast<int>(1 + random_.Below(3)));
  std::vector<v1::HistoryItem> items;
  for (int page = 0; page < 100; ++page) {
    const auto response = phone.connection.ListHistory(request, Deadline());
    if (response.ok() != (entitled.access && entitled.Sees(record.kind))) {
      return Fail(
          absl::StrCat("C8: history for whom it does not concern, or not for whom it does: ",
                       response.status().ToString(kPlain)));
    }
    if (!response.ok()) return;
    items.insert(items.end(), response->items().begin(), response->items().end());
    if (response->next_page_token().empty()) break;
    request.set_page_token(response->next_page_token());
  }
  std::vector<v1::HistoryItem> expected = model_.HistoryOf(id);
  if (!record.body.empty()) expected.clear();
  const auto same = [](const v1::HistoryItem& a, const v1::HistoryItem& b) {
    return SerializeDeterministic(a) == SerializeDeterministic(b);
  };
  if (!std::equal(items.begin(), items.end(), expected.begin(), expected.end(), same)) {
    Fail("the history of a record is not that of the journal");
  }
}

void World::ReadNights(Phone& phone, const Entitlement& entitled,
                       const std::map<std::string, const NaiveRecord*>& all) {
  v1::GetProgressRequest get;
  get.set_family_id(family_.str());
  get.set_child_id(children_[0].str());
  const auto progress = phone.connection.GetProgress(get, Deadline());
  const bool has_child = all.count(children_[0].str()) > 0;
  if (progress.ok() != (entitled.access && has_child)) {
    return Fail(absl::StrCat("C8: progress: ", progress.status().ToString(kPlain)));
  }
  if (!progress.ok()) return;
  const auto stored = all.find(ProgressId(children_[0]).str());
  if (stored != all.end() && SerializeDeterministic(progress->progress()) != stored->second->body) {
    return Fail("C7: a progress was told otherwise than it is");
  }
  std::map<std::string, std::string> expected;
  for (const auto& [id, record] : all) {
    v1::NightSummary summary;
    if (record->kind != v1::Record::kNightSummary) continue;
    summary.ParseFromString(record->body);
    if (summary.child_id() != children_[0].bytes()) continue;
    expected[summary.date()] = record->body;
  }
  v1::ListNightsRequest list;
  list.set_family_id(family_.str());
  list.set_child_id(children_[0].str());
  if (!expected.empty() && random_.Chance(50)) {
    auto first = expected.begin();
    std::advance(first, static_cast<std::ptrdiff_t>(random_.Below(expected.size())));
    auto last = expected.end();
    if (random_.Chance(50)) {
      last = std::next(first);
      list.set_last_night(first->first);
    }
    list.set_first_night(first->first);
    expected = std::map<std::string, std::string>(first, last);
  }
  list.set_page_size(static_cast<int>(1 + random_.Below(3)));
  auto next = expected.rbegin();
  for (int page = 0; page < 1000; ++page) {
    const auto response = phone.connection.ListNights(list, Deadline());
    if (!response.ok()) return FailUnless(response.status(), "nights");
    for (const v1::NightSummary& night : response->nights()) {
      if (next == expected.rend() || SerializeDeterministic(night) != next->second) {
        return Fail("C7: a night was told that is not the next one");
      }
      ++next;
    }
    if (response->next_page_token().empty()) break;
    list.set_page_token(response->next_page_token());
  }
  if (next != expected.rend()) Fail("C7: a night was not told");
}

void World::ReadExport(Phone& phone, const Entitlement& entitled,
                       const std::map<std::string, const NaiveRecord*>& all) {
  v1::ExportFamilyRequest request;
  request.set_family_id(family_.str());
  const auto stream = phone.connection.ExportFamily(request, Deadline());
  meanwhile_percent_ = 30;
  std::set<std::string> exported;
  v1::ExportFamilyResponse message;
  while (stream->Read(message)) {
    meanwhile_percent_ = kMeanwhilePercent;
    for (const v1::Record& record : message.records()) {
      const auto expected = all.find(record.record_id());
      if (expected == all.end() || !IsExportOf(*expected->second, record) ||
          !exported.insert(record.record_id()).second) {
        return Fail("an export holds what is not there");
      }
    }
  }
  const bool may =
      entitled.access && entitled.role != v1::ROLE_CONSULTANT && entitled.role != v1::ROLE_VIEWER;
  meanwhile_percent_ = kMeanwhilePercent;
  const bool whole = stream->Finish().ok();
  if (server_.process() == nullptr) return;
  if (whole != may) return Fail("C8: an export for whom it is not");
  if (may && exported.size() != all.size()) Fail("an export is not whole");
}

bool World::IsExportOf(const NaiveRecord& record, v1::Record exported) {
  if (exported.created_revision() != record.created_revision ||
      exported.author_saw_revision() != record.author_saw_revision) {
    return false;
  }
  exported.clear_created_revision();
  exported.clear_author_saw_revision();
  v1::Record told;
  told.ParseFromString(record.wire);
  if (exported.groups_size() != told.groups_size()) return false;
  for (int i = 0; i < told.groups_size(); ++i) {
    v1::Group& group = *exported.mutable_groups(i);
    if (group.versions_size() != told.groups(i).versions_size()) return false;
    for (int k = 0; k < group.versions_size(); ++k) {
      if (told.groups(i).versions(k).value_case() == v1::Version::VALUE_NOT_SET) {
        group.mutable_versions(k)->clear_value();
      }
    }
  }
  return SerializeDeterministic(exported) == record.wire;
}

void World::ReadMembers(Phone& phone, const Entitlement& entitled) {
  v1::ListMembersRequest request;
  request.set_family_id(family_.str());
  const auto response = phone.connection.ListMembers(request, Deadline());
  if (response.ok() != entitled.access) return Fail("C8: members for whom they are not");
  if (!response.ok()) return;
  size_t devices = 0;
  for (const v1::MemberWithDevices& member : response->members()) {
    const storage::v1::StoredMember* known = model_.MemberOf(MemberId(member.member_id()));
    const NaiveRecord* record = model_.At(member.member_id(), model_.revision());
    if (known == nullptr || record == nullptr ||
        SerializeDeterministic(member.member()) != record->body) {
      return Fail("a member is told otherwise than it is");
    }
    devices += static_cast<size_t>(member.devices_size());
    for (const v1::Device& device : member.devices()) {
      const auto paired = model_.devices().find(device.device_id());
      if (paired == model_.devices().end() || paired->second.member_id() != member.member_id() ||
          paired->second.revoked() != device.revoked() ||
          FromProto(paired->second.acknowledged_at()) != FromProto(device.acknowledged_at()) ||
          paired->second.acknowledged_lineage() != device.acknowledged().lineage() ||
          paired->second.acknowledged_revision() != device.acknowledged().revision()) {
        return Fail("a device is told otherwise than it is");
      }
    }
  }
  if (devices != model_.devices().size()) return Fail("a device is not told");
  const auto families = phone.connection.ListFamilies({}, Deadline());
  const bool has_both = neighbours_model_.EntitlementOf(phone.device, server_.clock().Now()).access;
  if (!families.ok() || families->pairings_size() != (has_both ? 2 : 1)) {
    return Fail("more or fewer families are listed than there are");
  }
  for (const v1::Pairing& pairing : families->pairings()) {
    const bool is_ours = pairing.family_id() == family_.bytes() &&
                         pairing.member_id() == phone.member.bytes() &&
                         HasRole(phone, pairing.role());
    if (!is_ours && (!has_both || pairing.family_id() != neighbours_.bytes())) {
      Fail("a family is listed otherwise than it is");
    }
  }
}

}  // namespace nightlog::simulation
