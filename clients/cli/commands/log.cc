#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/entry_flags.h"
#include "clients/cli/family_view.h"
#include "clients/cli/local_time.h"
#include "clients/cli/words.h"
#include "clients/cpp/tap.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

using Kind = v1::EntryDetail::KindCase;

// What a verb logs, and what it ends where that is still open.
struct Verb {
  absl::string_view name;
  void (*set)(v1::EntryDetail&);
  std::vector<Kind> ends;
};

const std::vector<Verb>& Verbs() {
  static const std::vector<Verb>& verbs = *new std::vector<Verb>{
      {"down", [](v1::EntryDetail& detail) { detail.mutable_put_down(); }, {}},
      {"asleep",
       [](v1::EntryDetail& detail) { detail.mutable_sleep(); },
       {v1::EntryDetail::kAwake, v1::EntryDetail::kCrying}},
      {"awake",
       [](v1::EntryDetail& detail) { detail.mutable_awake(); },
       {v1::EntryDetail::kSleep, v1::EntryDetail::kCrying}},
      {"cry", [](v1::EntryDetail& detail) { detail.mutable_crying(); }, {v1::EntryDetail::kSleep}},
      {"respond", [](v1::EntryDetail& detail) { detail.mutable_response(); }, {}},
      {"feed", [](v1::EntryDetail& detail) { detail.mutable_feed(); }, {}},
      {"up",
       [](v1::EntryDetail& detail) { detail.mutable_rise(); },
       {v1::EntryDetail::kSleep, v1::EntryDetail::kAwake, v1::EntryDetail::kCrying}},
      {"note", [](v1::EntryDetail& detail) { detail.mutable_note(); }, {}},
  };
  return verbs;
}

// How far back something still open is looked for; what is older was forgotten, not ended now.
constexpr absl::Duration kOpenMax = absl::Hours(16);

// The entry that the command line describes.
absl::StatusOr<v1::LogEntry> ReadEntry(Phone& phone, const Arguments& arguments, const Verb& verb,
                                       const FamilyView& view, const NamedChild& child,
                                       std::string& remarks) {
  const std::vector<std::string>& words = arguments.words();
  v1::LogEntry entry;
  entry.set_child_id(child.id.str());
  verb.set(*entry.mutable_detail());
  size_t words_used = 1;
  if (entry.detail().has_response() && words.size() == 2) {
    if (words[1].size() != 1 || words[1][0] < '0' || words[1][0] > '6') {
      return absl::InvalidArgumentError("a response has a level from 0 (monitor only) to 6 (feed)");
    }
    entry.mutable_detail()->mutable_response()->set_level(words[1][0] - '0');
    words_used = 2;
  } else if (entry.detail().has_response() && !arguments.Has("level")) {
    return absl::InvalidArgumentError("say how much help: 'log respond LEVEL', from 0 to 6");
  } else if (entry.detail().has_note() && words.size() == 2) {
    entry.set_text(words[1]);
    words_used = 2;
  }
  if (words.size() != words_used) return WrongWords();
  RETURN_IF_ERROR(ApplyDetailFlags(arguments, *entry.mutable_detail()).status());

  absl::TimeZone zone = child.zone;
  if (arguments.Has("zone")) {
    ASSIGN_OR_RETURN(zone, FindZone(*arguments.Get("zone")));
  }
  v1::Interval& interval = *entry.mutable_interval();
  interval.set_zone(zone.name());
  ASSIGN_OR_RETURN(const GivenMoment began,
                   ReadMoment(arguments.GetOr("at", "now"), phone.Now(), zone));
  *interval.mutable_began_at() = ToProto(began.time);
  interval.set_began_tapped(began.tapped);
  if (!began.remark.empty()) absl::StrAppend(&remarks, "\n", began.remark);
  if (arguments.Has("end")) {
    ASSIGN_OR_RETURN(const GivenMoment ended, ReadMoment(*arguments.Get("end"), phone.Now(), zone));
    *interval.mutable_ended_at() = ToProto(ended.time);
    interval.set_ended_tapped(ended.tapped);
    if (!ended.remark.empty()) absl::StrAppend(&remarks, "\n", ended.remark);
  } else if (arguments.Has("for")) {
    ASSIGN_OR_RETURN(const absl::Duration length, ReadDuration(*arguments.Get("for")));
    *interval.mutable_ended_at() = ToProto(began.time + length);
    interval.set_ended_tapped(began.tapped);
  }

  if (arguments.Has("text")) entry.set_text(*arguments.Get("text"));
  if (entry.detail().has_note() && entry.text().empty()) {
    return absl::InvalidArgumentError("a note needs its text: 'log note TEXT'");
  }
  for (const std::string& tag : arguments.All("tag")) entry.add_tags(tag);
  if (arguments.Has("by")) {
    ASSIGN_OR_RETURN(*entry.mutable_caregiver_id(), view.MemberCalled(*arguments.Get("by")));
  }
  return entry;
}

// Ends what the verb ends.
absl::Status AddEnds(const Phone& phone, Replica& replica, const FamilyId& family, const Verb& verb,
                     const v1::LogEntry& entry, absl::TimeZone zone, Tap& tap, std::string& said) {
  if (verb.ends.empty()) return absl::OkStatus();
  const absl::Time now = FromProto(entry.interval().began_at());
  ASSIGN_OR_RETURN(
      const std::vector<ShownRecord> recent,
      EntriesBetween(replica, family, RecordId(entry.child_id()), now - kOpenMax, now));
  for (const ShownRecord& shown : recent) {
    const v1::LogEntry& open = shown.record.log_entry();
    const bool ends =
        std::find(verb.ends.begin(), verb.ends.end(), open.detail().kind_case()) != verb.ends.end();
    if (!ends || open.interval().has_ended_at()) continue;
    v1::LogEntry change;
    *change.mutable_interval() = open.interval();
    *change.mutable_interval()->mutable_ended_at() = entry.interval().began_at();
    change.mutable_interval()->set_ended_tapped(entry.interval().began_tapped());
    tap.Set(RecordId(shown.record.record_id()), change);
    absl::StrAppend(&said, "\nended: ", DetailInWords(open.detail()), " since ",
                    ClockTime(FromProto(open.interval().began_at()), zone));
  }
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  const Verb* verb = nullptr;
  for (const Verb& candidate : Verbs()) {
    if (!words.empty() && candidate.name == words[0]) verb = &candidate;
  }
  if (verb == nullptr) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const NamedChild child, view.ChildCalled(arguments.Get("child")));
  std::string remarks;
  ASSIGN_OR_RETURN(const v1::LogEntry entry,
                   ReadEntry(phone, arguments, *verb, view, child, remarks));

  const RecordId record = MakeRecordId(phone.Now(), phone.random());
  Tap tap;
  tap.Set(record, entry);
  absl::TimeZone zone = child.zone;
  absl::LoadTimeZone(entry.interval().zone(), &zone);
  std::string said = absl::StrCat(IntervalInWords(entry, zone), " ", DetailInWords(entry.detail()),
                                  " (", record.hex(), ")", remarks);
  RETURN_IF_ERROR(AddEnds(phone, phone.replica(), family, *verb, entry, zone, tap, said));
  return phone.Save(family, {tap}, said, {record});
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {
      {"at", "TIME", "when; default now"},
      {"end", "TIME", "until when"},
      {"for", "DURATION", "for how long, such as 10m"},
      {"child", "NAME", "which child, where there are several"},
      {"zone", "ZONE", "where you are; default the child's home zone"},
      {"text", "TEXT", "a few words"},
      {"tag", "TAG", "a label; may be repeated"},
      {"by", "MEMBER", "who was with the child, if not you"},
  };
  flags.insert(flags.end(), DetailFlags().begin(), DetailFlags().end());
  return flags;
}

}  // namespace

const Command kLogCommand = {
    "log",
    "down\nasleep   (ends what is open: awake, crying)\nawake    (ends sleep and crying)\n"
    "cry      (ends sleep)\nrespond LEVEL\nfeed\nup       (ends all)\nnote TEXT",
    "log what happens, now or at a time", Flags(), Run};

}  // namespace nightlog::cli
