#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/entry_flags.h"
#include "clients/cli/family_view.h"
#include "clients/cli/local_time.h"
#include "clients/cli/words.h"
#include "clients/cpp/tap.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// Typed times stand as they are; the raw values are of taps that they replace.
absl::Status EditInterval(const Phone& phone, const Arguments& arguments, absl::TimeZone zone,
                          v1::LogEntry& change, const v1::LogEntry& entry, std::string& remarks) {
  if (!arguments.Has("at") && !arguments.Has("end") && !arguments.Has("open")) {
    return absl::OkStatus();
  }
  v1::Interval& interval = *change.mutable_interval();
  interval = entry.interval();
  if (arguments.Has("at")) {
    ASSIGN_OR_RETURN(const GivenMoment began, ReadMoment(*arguments.Get("at"), phone.Now(), zone));
    *interval.mutable_began_at() = ToProto(began.time);
    interval.set_began_tapped(began.tapped);
    interval.clear_began_raw();
    if (!began.remark.empty()) absl::StrAppend(&remarks, "\n", began.remark);
  }
  if (arguments.Has("end")) {
    ASSIGN_OR_RETURN(const GivenMoment ended, ReadMoment(*arguments.Get("end"), phone.Now(), zone));
    *interval.mutable_ended_at() = ToProto(ended.time);
    interval.set_ended_tapped(ended.tapped);
    interval.clear_ended_raw();
    if (!ended.remark.empty()) absl::StrAppend(&remarks, "\n", ended.remark);
  } else if (arguments.Has("open")) {
    interval.clear_ended_at();
    interval.clear_ended_tapped();
    interval.clear_ended_raw();
  }
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Record record, ids.Find(arguments.words()[0]));
  if (!record.has_log_entry()) {
    return absl::InvalidArgumentError(
        "only log entries are edited so; see 'help child' and 'help plan'");
  }
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  const v1::LogEntry& entry = record.log_entry();
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(entry.interval().zone(), &zone);

  v1::LogEntry change;
  std::string remarks;
  RETURN_IF_ERROR(EditInterval(phone, arguments, zone, change, entry, remarks));
  v1::EntryDetail detail = entry.detail();
  ASSIGN_OR_RETURN(const bool detail_changed, ApplyDetailFlags(arguments, detail));
  if (detail_changed) *change.mutable_detail() = detail;
  if (arguments.Has("text")) change.set_text(*arguments.Get("text"));
  for (const std::string& tag : arguments.All("tag")) change.add_tags(tag);
  if (arguments.Has("by")) {
    ASSIGN_OR_RETURN(*change.mutable_caregiver_id(), view.MemberCalled(*arguments.Get("by")));
  }
  const RecordId id(record.record_id());
  Tap tap;
  arguments.Has("resolve") ? tap.Resolve(id, change) : tap.Set(id, change);
  if (arguments.Has("untag")) tap.RemoveTags(id, arguments.All("untag"));
  if (tap.changes().empty()) {
    return absl::InvalidArgumentError("say what to change, such as --at 03:12");
  }
  v1::LogEntry shown = entry;
  if (change.has_interval()) *shown.mutable_interval() = change.interval();
  return phone.Save(
      family, {tap},
      absl::StrCat("changed: ", IntervalInWords(shown, zone), " ", DetailInWords(detail), remarks),
      {id});
}

std::vector<Flag> Flags() {
  std::vector<Flag> flags = {
      {"at", "TIME", "when it began"},
      {"end", "TIME", "when it ended"},
      {"open", "", "it has not ended"},
      {"text", "TEXT", "the text anew"},
      {"tag", "TAG", "add a label; may be repeated"},
      {"untag", "TAG", "take a label off; may be repeated"},
      {"by", "MEMBER", "who was with the child"},
      {"resolve", "", "this settles open conflicts of what is changed"},
  };
  flags.insert(flags.end(), DetailFlags().begin(), DetailFlags().end());
  return flags;
}

}  // namespace

const Command kEditCommand = {"edit", "ENTRY", "change a log entry", Flags(), Run};

}  // namespace nightlog::cli
