#include <algorithm>

#include "absl/strings/str_cat.h"
#include "clients/cpp/undo.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

absl::Status World::Save(Phone& phone, const Tap& tap) {
  std::map<std::string, v1::Record> shown;
  v1::Transaction made;
  *made.mutable_made_at() = phone.clock->Read();
  for (const Tap::Change& change : tap.changes()) {
    *made.add_edits() = change.edit;
    const auto record = phone.replica->Get(family_, RecordId(change.edit.record_id()));
    if (record.ok() && record->has_value()) {
      shown[change.edit.record_id()] = (*record)->record;
    }
  }
  const absl::Status saved = phone.replica->Write(family_, tap);
  Trace(absl::StrCat(phone.name, " taps ", saved.ToString(kPlain)));
  const bool crashed = phone.disk.crashed;
  const std::string name = NameOf(made);
  if (saved.ok() || crashed) ++tapped_[name];
  RebootIfCrashed(phone);
  const PhoneContent content = Content(phone);
  const v1::Transaction* kept = nullptr;
  for (const KeptTransaction* row : content.outbox) {
    if (row->name == name) kept = &row->transaction;
  }
  if (kept == nullptr) {
    if (saved.ok()) Fail("C4: a saved tap is not on the disk");
    return crashed ? absl::OkStatus() : saved;
  }
  if (!saved.ok() && !crashed) Fail("a refused tap was saved");
  phone.taps.push_back(name);
  CheckNewName(content, content.family.lineage(), kept->seq());
  if (kept->made_at_cursor().lineage() != content.family.lineage() ||
      kept->made_at_cursor().revision() != content.family.revision()) {
    Fail("C4: a tap does not tell what its phone had seen");
  }
  for (size_t i = 0; i < tap.changes().size(); ++i) {
    const v1::Edit& edit = kept->edits(static_cast<int>(i));
    std::vector<EditName> saw;
    for (const v1::EditId& id : edit.saw()) saw.push_back(NameOf(id));
    std::sort(saw.begin(), saw.end());
    // A deletion after another edit of the tap sees that one too.
    const bool sees_more = i > 0 && edit.has_existence();
    if (!sees_more && saw != ExpectedSaw(tap.changes()[i], shown[edit.record_id()])) {
      Fail("C4: an edit does not name what was on the screen");
    }
    // The next edit of this tap sees it back.
    if (!edit.has_existence()) shown[edit.record_id()].set_deleted(false);
    CheckScreen(phone, content, edit.record_id());
  }
  return absl::OkStatus();
}

bool World::IsSaidBy(const NaiveRecord& record, const std::string& replica, uint64_t seq) {
  for (const auto& [group, values] : record.groups) {
    for (const NaiveValue& value : values) {
      for (const EditName& name : value.said_by) {
        if (std::get<0>(name) == replica && std::get<1>(name) == seq) return true;
      }
    }
  }
  return false;
}

void World::CheckNewName(const PhoneContent& content, const std::string& lineage, uint64_t seq) {
  const Model* model = ModelOf(lineage);
  if (model == nullptr) return;
  const std::string& replica = content.outbox.back()->replica_id;
  model->ForEachAt(content.family.revision(), [&](const std::string&, const NaiveRecord& record) {
    if (IsSaidBy(record, replica, seq)) {
      Fail("C4: a tap has the name of another that the phone knows");
    }
  });
}

bool World::HoldsTakenName(const PhoneContent& content, const Model* model,
                           const NaiveRecord* confirmed) {
  if (model == nullptr || confirmed == nullptr) return false;
  return std::any_of(content.outbox.begin(), content.outbox.end(), [&](const KeptTransaction* row) {
    return model->RevisionOf(row->name) == 0 &&
           IsSaidBy(*confirmed, row->replica_id, row->transaction.seq());
  });
}

void World::CheckScreen(Phone& phone, const PhoneContent& content, const std::string& id) {
  if (phone.damaged) return;
  const Model* model = ModelOf(content.family.lineage());
  const NaiveRecord* confirmed = nullptr;
  if (content.HasRecord(id)) {
    if (model == nullptr) return Fail("C3: a phone has records of an unknown lineage");
    confirmed = model->At(id, content.family.revision());
    if (HoldsTakenName(content, model, confirmed)) return;
  }
  const v1::Record expected = ExpectedOnScreen(
      id, confirmed, content.outbox, phone.member.str(), [&](const KeptTransaction& row) {
        const uint64_t revision = model == nullptr ? 0 : model->RevisionOf(row.name);
        return revision != 0 && revision <= content.family.revision();
      });
  const auto shown = phone.replica->Get(family_, RecordId(id));
  if (!shown.ok()) return FailUnless(shown.status(), "get");
  if (!shown->has_value()) {
    if (expected.body_case() != v1::Record::BODY_NOT_SET) Fail("C4: a record is not shown");
  } else if (SerializeDeterministic((*shown)->record) != SerializeDeterministic(expected)) {
    Fail(absl::StrCat("C4: a record is shown otherwise\nexpected ", expected.ShortDebugString(),
                      "\nshown    ", (*shown)->record.ShortDebugString()));
  }
}

v1::Interval World::SomeInterval(Phone& phone) {
  v1::Interval interval;
  const absl::Time wall = FromProto(phone.clock->Read().wall());
  absl::Time began =
      wall - absl::Minutes(random_.Below(12)) - absl::Milliseconds(random_.Below(60'000));
  const bool typed = random_.Chance(50);
  // People type whole minutes, in steps, so that they meet.
  if (typed) began = absl::FromUnixSeconds(absl::ToUnixSeconds(began) / 180 * 180);
  if (typed && random_.Chance(10)) began -= absl::Hours(24);
  *interval.mutable_began_at() = ToProto(began);
  interval.set_began_tapped(!typed);
  interval.set_zone(random_.Chance(90) ? "Europe/London" : "America/New_York");
  if (random_.Chance(60)) {
    *interval.mutable_ended_at() =
        ToProto(began + (typed ? absl::Minutes(15 * (1 + random_.Below(2)))
                               : absl::Minutes(1 + random_.Below(90))));
  }
  if (random_.Chance(10)) AddUnknown(interval);
  return interval;
}

void World::AddUnknown(google::protobuf::Message& message) {
  message.GetReflection()->MutableUnknownFields(&message)->AddVarint(700, random_.Below(1000));
}

v1::EntryDetail World::SomeDetail() {
  v1::EntryDetail detail;
  switch (random_.Below(8)) {
    case 0:
      detail.mutable_put_down();
      break;
    case 1:
    case 2:
      detail.mutable_sleep();
      break;
    case 3:
      detail.mutable_awake();
      break;
    case 4:
      detail.mutable_crying()->set_intensity(static_cast<uint32_t>(random_.Below(4)));
      break;
    case 5:
    case 6:
      detail.mutable_response()->set_level(static_cast<uint32_t>(random_.Below(7)));
      break;
    default:
      detail.mutable_rise();
  }
  if (random_.Chance(15)) AddUnknown(detail);
  return detail;
}

absl::optional<ShownRecord> World::SomeRecord(Phone& phone, uint32_t kind) {
  const auto records = phone.replica->List(family_, kind);
  if (!records.ok() || records->empty()) return absl::nullopt;
  // The newest few, so that people meet.
  const size_t few = std::min<size_t>(records->size(), 4);
  return (*records)[records->size() - 1 - random_.Below(few)];
}

absl::optional<ShownRecord> World::EntryOn(Phone& phone, const RecordId& id) {
  const auto shown = phone.replica->Get(family_, id);
  if (!shown.ok() || !shown->has_value() || !(*shown)->record.has_log_entry()) {
    return absl::nullopt;
  }
  return *shown;
}

void World::TapSomething(Phone& phone) {
  const absl::Time now = FromProto(phone.clock->Read().wall());
  if (phone.role == v1::ROLE_CONSULTANT) return TapAsConsultant(phone, now);
  // A viewer's app asks for no taps.
  if (HasRole(phone, v1::ROLE_VIEWER) && random_.Chance(80)) return;
  const absl::optional<ShownRecord> shown = SomeRecord(phone, kLogEntry);
  const uint64_t dice = random_.Below(100);
  if (dice < 4) return TapChild(phone);
  if (dice < 10) return TapComment(phone, now);
  if (!shown.has_value() || dice < 33) {
    v1::LogEntry entry;
    entry.set_child_id(SomeChild().str());
    *entry.mutable_detail() = SomeDetail();
    *entry.mutable_interval() = SomeInterval(phone);
    Tap tap;
    tap.Set(MakeRecordId(now, random_), entry);
    // A waking and what was done about it, with one tap.
    if (random_.Chance(25)) {
      *entry.mutable_detail() = SomeDetail();
      tap.Set(MakeRecordId(now, random_), entry);
    }
    return FailUnless(Save(phone, tap), "new entry");
  }
  const RecordId id(shown->record.record_id());
  FailUnless(Save(phone, SomeEdit(phone, id, *shown, now)), "edit");
}

Tap World::SomeEdit(Phone& phone, const RecordId& id, const ShownRecord& shown, absl::Time now) {
  const v1::LogEntry& current = shown.record.log_entry();
  v1::LogEntry change;
  switch (random_.Below(12)) {
    case 0:
      if (!current.has_interval()) break;
      // End it now. After a restore, only this phone's own edit of an entry may be left of it.
      *change.mutable_interval() = current.interval();
      *change.mutable_interval()->mutable_ended_at() =
          ToProto(std::max(FromProto(current.interval().began_at()), now));
      change.mutable_interval()->set_ended_tapped(true);
      change.mutable_interval()->clear_ended_raw();
      return Tap().Set(id, change);
    case 1:
      *change.mutable_detail() = SomeDetail();
      return Tap().Set(id, change);
    case 2:
      change.set_text(random_.Chance(10) ? "" : absl::StrCat("text ", random_.Below(1000)));
      return Tap().Set(id, change);
    case 3:
      if (current.tags_size() > 0 && random_.Chance(50)) {
        return Tap().RemoveTags(id, {current.tags(0)});
      }
      for (uint64_t i = random_.Below(2); i < 2; ++i) {
        change.add_tags(absl::StrCat("tag", random_.Below(3)));
      }
      return Tap().Set(id, change);
    case 4:
      return shown.record.deleted() ? Tap().Restore(id) : Tap().Delete(id);
    case 5:  // resolve what stands open
      *change.mutable_interval() = SomeInterval(phone);
      return Tap().Resolve(id, change);
    case 6: {  // these were two
      const absl::optional<ShownRecord> other = SomeRecord(phone, kLogEntry);
      change.add_separate_from(other->record.record_id());
      return Tap().Set(id, change);
    }
    case 7:
      change.set_caregiver_id(phones_[random_.Below(phones_.size())]->member.str());
      change.set_text(absl::StrCat("both ", random_.Below(1000)));
      return Tap().Set(id, change);
    case 8:
      return Tap().Clear(id, kLogEntry, v1::LogEntry::kCaregiverIdFieldNumber);
    case 10:  // it was about the other child
      change.set_child_id(SomeChild().str());
      return Tap().Set(id, change);
    case 9:  // it was a little earlier, or later
      if (!current.has_interval()) break;
      *change.mutable_interval() = current.interval();
      *change.mutable_interval()->mutable_began_at() =
          ToProto(FromProto(current.interval().began_at()) +
                  absl::Seconds(90) * (static_cast<int64_t>(random_.Below(5)) - 2));
      change.mutable_interval()->set_began_tapped(false);
      change.mutable_interval()->clear_began_raw();
      if (current.interval().has_ended_at() &&
          FromProto(current.interval().ended_at()) < FromProto(change.interval().began_at())) {
        change.mutable_interval()->clear_ended_at();
      }
      return Tap().Set(id, change);
    default:
      break;
  }
  *change.mutable_interval() = SomeInterval(phone);
  return Tap().Set(id, change);
}

void World::TapAtOnce(Phone& phone) {
  const absl::optional<ShownRecord> shown = SomeRecord(phone, kLogEntry);
  if (!shown.has_value()) return;
  const RecordId id(shown->record.record_id());
  const uint64_t about = random_.Below(6);
  const v1::EntryDetail detail = SomeDetail();
  v1::LogEntry waking;
  waking.set_child_id(children_[0].str());
  if (random_.Chance(50)) {
    waking.mutable_detail()->mutable_awake();
  } else {
    waking.mutable_detail()->mutable_rise();
  }
  std::vector<Phone*> tapping;
  for (auto& other : phones_) {
    if (other->role == v1::ROLE_CONSULTANT || random_.Chance(20)) continue;
    if (about == 0) {
      SaveWakings(*other, waking);
    } else {
      const absl::optional<ShownRecord> known = EntryOn(*other, id);
      if (!known.has_value()) continue;
      FailUnless(Save(*other, SomeEditAtOnce(*other, about, *known, detail)), "edit at once");
    }
    tapping.push_back(other.get());
  }
  for (Phone* other : tapping) SyncQuietly(*other);
}

void World::SaveWakings(Phone& phone, v1::LogEntry waking) {
  const absl::Time hour =
      absl::FromUnixSeconds(absl::ToUnixSeconds(server_.clock().Now()) / 3600 * 3600);
  for (uint64_t count = random_.Chance(35) ? 2 : 1; count > 0; --count) {
    v1::Interval& interval = *waking.mutable_interval();
    const absl::Time began = hour - absl::Minutes(6 * random_.Below(6));
    interval.Clear();
    *interval.mutable_began_at() = ToProto(began);
    interval.set_zone("Europe/London");
    if (random_.Chance(30)) *interval.mutable_ended_at() = ToProto(began + absl::Minutes(8));
    const RecordId id = MakeRecordId(FromProto(phone.clock->Read().wall()), random_);
    FailUnless(Save(phone, Tap().Set(id, waking)), "waking");
  }
}

Tap World::SomeEditAtOnce(Phone& phone, uint64_t about, const ShownRecord& shown,
                          const v1::EntryDetail& detail) {
  const RecordId id(shown.record.record_id());
  v1::LogEntry change;
  switch (about) {
    case 1:  // it began then, or a moment earlier: they agree
      *change.mutable_interval() = SomeInterval(phone);
      change.mutable_interval()->clear_ended_at();
      change.mutable_interval()->set_began_tapped(false);
      *change.mutable_interval()->mutable_began_at() =
          ToProto(absl::FromUnixSeconds(absl::ToUnixSeconds(server_.clock().Now()) / 3600 * 3600) -
                  absl::Seconds(60) * static_cast<int64_t>(random_.Below(3)));
      break;
    case 2: {
      const auto& tags = shown.record.log_entry().tags();
      if (!tags.empty() && random_.Chance(50)) return Tap().RemoveTags(id, {tags[0]});
      change.add_tags("tag0");
      break;
    }
    case 3:  // all say the same, or each something else
      *change.mutable_detail() = detail;
      break;
    case 4:
      *change.mutable_detail() = SomeDetail();
      break;
    default:
      if (random_.Chance(20)) return Tap().Delete(id);
      *change.mutable_interval() = SomeInterval(phone);
  }
  return Tap().Set(id, change);
}

void World::SayTheyWereTwo(Phone& phone) {
  if (phone.role == v1::ROLE_CONSULTANT) return;
  const auto nights = phone.replica->List(family_, kNightSummary);
  if (!nights.ok()) return FailUnless(nights.status(), "nights");
  std::vector<v1::Episode> episodes;
  for (const ShownRecord& night : *nights) {
    const auto& told = night.record.night_summary().episodes();
    episodes.insert(episodes.end(), told.begin(), told.end());
  }
  if (episodes.empty()) return;
  const v1::Episode& episode = episodes[random_.Below(episodes.size())];
  const RecordId id(episode.entry_ids(0));
  if (!EntryOn(phone, id).has_value()) return;
  v1::LogEntry change;
  change.add_separate_from(episode.entry_ids(episode.entry_ids_size() - 1));
  FailUnless(Save(phone, Tap().Set(id, change)), "these were two");
}

void World::AgreeAndForget(Phone& phone) {
  Phone& other = *phones_[random_.Below(phones_.size())];
  SyncQuietly(phone);
  const absl::optional<ShownRecord> shown = SomeRecord(phone, kLogEntry);
  if (&other == &phone || phone.damaged || !shown.has_value()) return;
  if (phone.role == v1::ROLE_CONSULTANT || other.role == v1::ROLE_CONSULTANT) return;
  const RecordId id(shown->record.record_id());
  if (!EntryOn(other, id).has_value()) return;
  CopyPhone(phone);
  v1::LogEntry change;
  *change.mutable_detail() = SomeDetail();
  for (Phone* both : {&other, &phone}) {
    FailUnless(Save(*both, Tap().Set(id, change)), "agree");
    SyncQuietly(*both);
  }
  SetBack(phone);
  SyncQuietly(phone);
  TapSomething(phone);
}

std::string World::Says(v1::Record record) {
  record.clear_groups();
  record.clear_revision();
  record.clear_digest();
  return SerializeDeterministic(record);
}

void World::UndoSomething(Phone& phone) {
  if (phone.role != v1::ROLE_CONSULTANT && random_.Chance(20)) return UndoNewEntry(phone);
  const absl::optional<ShownRecord> before = SomeRecord(phone, kLogEntry);
  if (phone.role == v1::ROLE_CONSULTANT || phone.damaged || !before.has_value()) return;
  const RecordId id(before->record.record_id());
  const size_t taps = phone.taps.size();
  const absl::Time now = FromProto(phone.clock->Read().wall());
  const auto& tags = before->record.log_entry().tags();
  const Tap tap = !tags.empty() && random_.Chance(40) ? Tap().RemoveTags(id, {tags[0]})
                                                      : SomeEdit(phone, id, *before, now);
  const bool for_good =
      tap.changes().front().edit.group() == v1::LogEntry::kSeparateFromFieldNumber;
  FailUnless(Save(phone, tap), "edit to undo");
  if (phone.taps.size() == taps || !failure_.empty()) return;
  const std::string tapped = Says((**phone.replica->Get(family_, id)).record);
  const bool synced = random_.Chance(50);
  if (synced) SyncQuietly(phone);
  const auto shown = phone.replica->Get(family_, id);
  if (!failure_.empty() || !shown.ok() || !shown->has_value()) return;
  const auto undo = UndoNewestChange(*phone.replica, &phone.connection, family_, id, Deadline());
  Trace(absl::StrCat(phone.name, " undoes ", undo.status().ToString(kPlain)));
  if (!undo.ok()) {
    if (!synced && !for_good && tapped != Says(before->record)) FailUnless(undo.status(), "undo");
    return;
  }
  const absl::Status saved = Save(phone, *undo);
  // After a restore, there may be nothing else left of what an entry must have.
  if (absl::IsInvalidArgument(saved)) return;
  FailUnless(saved, "undo");
  const auto after = phone.replica->Get(family_, id);
  if (phone.taps.size() < taps + 2 || synced || !after.ok() || !after->has_value()) return;
  if (Says((*after)->record) != Says(before->record)) {
    Fail(absl::StrCat("C4: an undo does not bring back what stood before\nbefore ",
                      before->record.ShortDebugString(), "\nafter  ",
                      (*after)->record.ShortDebugString()));
  }
}

void World::UndoNewEntry(Phone& phone) {
  const size_t taps = phone.taps.size();
  v1::LogEntry waking;
  waking.set_child_id(SomeChild().str());
  *waking.mutable_detail() = SomeDetail();
  SaveWakings(phone, waking);
  if (phone.taps.size() == taps || !failure_.empty()) return;
  const bool synced = random_.Chance(30);
  if (synced) SyncQuietly(phone);
  const auto undo = UndoLastTap(*phone.replica, &phone.connection, family_, Deadline());
  Trace(absl::StrCat(phone.name, " undoes its last tap ", undo.status().ToString(kPlain)));
  if (!undo.ok()) {
    if (!synced) FailUnless(undo.status(), "undo of the last tap");
    return;
  }
  const size_t before = phone.taps.size();
  FailUnless(Save(phone, undo->tap), "undo of the last tap");
  if (synced || phone.taps.size() == before) return;
  for (const RecordId& id : undo->records) {
    const auto after = phone.replica->Get(family_, id);
    if (!after.ok() || !after->has_value() || !(*after)->record.deleted()) {
      Fail("C4: an undo leaves what was made");
    }
  }
}

void World::TapChild(Phone& phone) {
  const absl::optional<ShownRecord> shown = SomeRecord(phone, kChild);
  if (!shown.has_value()) return;
  const RecordId id(shown->record.record_id());
  if (random_.Chance(15)) {
    const Tap tap = shown->record.deleted() ? Tap().Restore(id) : Tap().Delete(id);
    return FailUnless(Save(phone, tap), "child");
  }
  v1::Child child;
  if (random_.Chance(50)) {
    static constexpr const char* kZones[] = {"Europe/London", "America/New_York",
                                             "Pacific/Auckland"};
    child.set_home_zone(kZones[random_.Below(3)]);
  } else {
    child.mutable_night_window()->set_start(random_.Chance(50) ? "18:00" : "20:00");
    child.mutable_night_window()->set_end("06:00");
  }
  FailUnless(Save(phone, Tap().Set(id, child)), "child");
}

void World::TapComment(Phone& phone, absl::Time now) {
  const absl::optional<ShownRecord> shown = SomeRecord(phone, kComment);
  v1::Comment comment;
  RecordId id = MakeRecordId(now, random_);
  if (shown.has_value() && random_.Chance(60)) {
    id = RecordId(shown->record.record_id());
  } else {
    comment.mutable_target()->mutable_night()->set_child_id(children_[0].str());
    comment.mutable_target()->mutable_night()->set_date("2026-01-01");
  }
  comment.add_posts()->set_text(absl::StrCat("post ", random_.Below(1000)));
  // The phone may have been told that the record is something else.
  const absl::Status saved = Save(phone, Tap().Set(id, comment));
  if (!absl::IsInvalidArgument(saved)) FailUnless(saved, "comment");
}

void World::FillOutbox(Phone& phone) {
  for (int i = 0; i < 80 && failure_.empty(); ++i) {
    v1::Comment comment;
    comment.mutable_target()->mutable_night()->set_child_id(children_[0].str());
    comment.mutable_target()->mutable_night()->set_date("2026-01-01");
    while (comment.posts_size() < 16) comment.add_posts()->set_text(std::string(4000, 'x'));
    const RecordId id = MakeRecordId(FromProto(phone.clock->Read().wall()), random_);
    FailUnless(Save(phone, Tap().Set(id, comment)), "many");
  }
  SyncWithFaults(phone);
}

void World::TapAsConsultant(Phone& phone, absl::Time now) {
  if (random_.Chance(25)) return TapComment(phone, now);
  v1::Plan plan;
  plan.set_child_id(SomeChild().str());
  plan.mutable_approach()->set_method(
      static_cast<v1::PlanMethod>(1 + random_.Below(v1::PlanMethod_MAX)));
  plan.mutable_nights()->set_first_night(random_.Chance(50) ? "2026-01-01" : "2026-01-02");
  if (random_.Chance(30)) plan.set_text(absl::StrCat("plan ", random_.Below(1000)));
  const absl::optional<ShownRecord> shown = SomeRecord(phone, kPlan);
  RecordId id = MakeRecordId(now, random_);
  Tap tap;
  const uint64_t dice = random_.Below(100);
  if (dice < 10) {
    // Poison: a plan where there is an entry, after one that is good. The phone may not know; the
    // server must take both or none.
    const auto record = SomeRecord(*phones_[0], kLogEntry);
    if (random_.Chance(50)) tap.Set(id, plan);
    if (record.has_value()) id = RecordId(record->record.record_id());
  } else if (dice < 15) {
    // An entry, which is not for her to write.
    v1::LogEntry entry;
    entry.set_child_id(SomeChild().str());
    *entry.mutable_detail() = SomeDetail();
    *entry.mutable_interval() = SomeInterval(phone);
    FailUnless(Save(phone, Tap().Set(id, entry)), "entry of a consultant");
    return;
  } else if (shown.has_value() && dice < 60) {
    id = RecordId(shown->record.record_id());
    plan.clear_child_id();
  }
  tap.Set(id, plan);
  const absl::Status saved = Save(phone, tap);
  if (!absl::IsInvalidArgument(saved)) FailUnless(saved, "plan");
}

}  // namespace nightlog::simulation
