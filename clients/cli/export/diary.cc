#include "clients/cli/export/diary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "clients/cli/local_time.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"

namespace nightlog::cli {
namespace {

constexpr int kNightsOnAPage = 14;

// Each colour has a shape or a place of its own too: the page is read in black and white.
constexpr absl::string_view kStyle = R"(
@page { size: A4 landscape; margin: 12mm }
body { font: 9pt/1.3 system-ui, sans-serif; color: #111; margin: 0 }
section { break-after: page }
section:last-child { break-after: auto }
h1 { font-size: 13pt; margin: 0 0 1mm }
p { margin: 0 0 3mm; color: #444 }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 0.3pt solid #999; padding: 1mm 1.5mm; text-align: left;
  vertical-align: top; white-space: nowrap }
td.notes { white-space: normal; width: 22% }
td.bar, th.bar { width: 38%; padding: 1mm 0; position: relative }
.day { position: relative; height: 5mm; background: #f4f4f4; print-color-adjust: exact;
  -webkit-print-color-adjust: exact }
.day i { position: absolute; top: 0; height: 100%; background: #3b5b8c }
.day i.nap { top: 40%; height: 60%; background: #8aa6cf }
.day b { position: absolute; top: -0.8mm; font-size: 6pt; transform: translateX(-50%) }
.day u { position: absolute; top: 0; height: 100%; border-left: 0.3pt solid #bbb }
.hours { position: relative; height: 3.5mm; font-weight: normal; font-size: 7pt }
.hours span { position: absolute; transform: translateX(-50%) }
.hours span:first-child { transform: none }
tr { break-inside: avoid }
)";

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

// A sleep as a piece of a bar.
struct Span {
  absl::Time begin;
  absl::Time end;
  bool nap;
};

// One child's nights, and what was said of each.
struct Child {
  std::string name;
  absl::TimeZone zone;
  std::vector<Span> sleeps;
  std::map<absl::CivilDay, const v1::NightSummary*> nights;
  std::map<absl::CivilDay, std::vector<std::pair<absl::Time, std::string>>> notes;
};

class Diary {
 public:
  Diary(absl::string_view family_name, const std::vector<v1::Record>& records)
      : family_name_(family_name) {
    for (const v1::Record& record : records) {
      if (!record.has_child() || record.deleted()) continue;
      Child& child = children_[record.record_id()];
      child.name = record.child().name();
      child.zone = FindZone(record.child().home_zone()).value_or(absl::UTCTimeZone());
    }
    for (const v1::Record& record : records) {
      if (!record.deleted()) Take(record);
    }
  }

  std::string Html() const {
    std::string html = absl::StrCat(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n<title>Sleep diary: ",
        Escaped(family_name_), "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n");
    for (const auto& [id, child] : children_) AddChild(child, html);
    absl::StrAppend(&html, "</body>\n</html>\n");
    return html;
  }

 private:
  void Take(const v1::Record& record) {
    absl::CivilDay day;
    if (record.has_night_summary()) {
      const v1::NightSummary& night = record.night_summary();
      const auto child = children_.find(night.child_id());
      if (child == children_.end() || !absl::ParseCivilTime(night.date(), &day)) return;
      child->second.nights[day] = &night;
      for (const v1::TimelineSpan& span : night.timeline()) {
        if (span.phase() == v1::NIGHT_PHASE_ASLEEP) AddSleep(span, false, child->second);
      }
      for (const v1::TimelineSpan& nap : night.naps()) AddSleep(nap, true, child->second);
    } else if (record.has_log_entry()) {
      const v1::LogEntry& entry = record.log_entry();
      const auto child = children_.find(entry.child_id());
      if (child == children_.end()) return;
      const absl::Time began = FromProto(entry.interval().began_at());
      if (!entry.text().empty() && !entry.has_import_origin()) {
        child->second.notes[NightOf(began, child->second.zone)].emplace_back(
            began, absl::StrCat(ClockTime(began, child->second.zone), " ", entry.text()));
      }
    } else if (record.has_comment() && record.comment().target().has_night()) {
      const v1::NightKey& night = record.comment().target().night();
      const auto child = children_.find(night.child_id());
      if (child == children_.end() || !absl::ParseCivilTime(night.date(), &day)) return;
      for (const v1::CommentPost& post : record.comment().posts()) {
        child->second.notes[day].emplace_back(FromProto(post.posted_at()),
                                              absl::StrCat("“", post.text(), "”"));
      }
    }
  }

  static void AddSleep(const v1::TimelineSpan& span, bool nap, Child& child) {
    child.sleeps.push_back({FromProto(span.began_at()), FromProto(span.ended_at()), nap});
  }

  void AddChild(const Child& child, std::string& html) const {
    if (child.nights.empty()) return;
    const absl::CivilDay last = child.nights.rbegin()->first;
    for (absl::CivilDay first = child.nights.begin()->first; first <= last;) {
      const auto next = child.nights.lower_bound(first);
      // A page of which nothing is known is left out.
      if (next->first >= first + kNightsOnAPage) {
        first = next->first;
        continue;
      }
      AddPage(child, first, std::min(first + kNightsOnAPage, last + 1), html);
      first += kNightsOnAPage;
    }
  }

  void AddPage(const Child& child, absl::CivilDay first, absl::CivilDay limit,
               std::string& html) const {
    absl::StrAppend(&html, "<section>\n<h1>", Escaped(child.name), ", ",
                    absl::FormatCivilTime(first), " to ", absl::FormatCivilTime(limit - 1),
                    "</h1>\n<p>", Escaped(family_name_),
                    ". A line is a night, from noon to noon. Dark: night sleep; low: nap; ▼ put "
                    "down, ▲ up. An empty place is not known, which is not zero.</p>\n"
                    "<table>\n<tr><th>Night of</th><th class=\"bar\"><div class=\"hours\">");
    for (int hour = 0; hour < 24; hour += 3) {
      absl::StrAppendFormat(&html, "<span style=\"left:%.2f%%\">%02d</span>", hour / 24.0 * 100,
                            (hour + 12) % 24);
    }
    absl::StrAppend(&html,
                    "</div></th><th>Put down</th><th>Asleep</th><th>Up</th><th>Wakings</th>"
                    "<th>Longest</th><th>Night sleep</th><th>Naps</th><th>Plan kept</th>"
                    "<th>Notes</th></tr>\n");
    for (absl::CivilDay day = first; day < limit; ++day) AddNight(child, day, html);
    absl::StrAppend(&html, "</table>\n</section>\n");
  }

  void AddNight(const Child& child, absl::CivilDay day, std::string& html) const {
    const auto it = child.nights.find(day);
    const v1::NightSummary* night = it == child.nights.end() ? nullptr : it->second;
    const absl::TimeZone zone =
        night == nullptr ? child.zone : FindZone(night->zone()).value_or(child.zone);
    absl::StrAppend(&html, "<tr><td>", absl::FormatTime("%a ", absl::FromCivil(day, zone), zone),
                    absl::FormatCivilTime(day), "</td><td class=\"bar\"><div class=\"day\">");
    AddBar(child, night, day, zone, html);
    absl::StrAppend(&html, "</div></td>");
    const auto cell = [&html](const std::string& text) {
      absl::StrAppend(&html, "<td>", Escaped(text), "</td>");
    };
    if (night == nullptr) {
      for (int i = 0; i < 8; ++i) cell("");
    } else {
      const auto clock = [&zone](bool known, const google::protobuf::Timestamp& time) {
        return known ? ClockTime(FromProto(time), zone) : std::string();
      };
      const auto minutes = [](bool known, double value) {
        return known ? MinutesInWords(value) : std::string();
      };
      cell(clock(night->has_put_down_at(), night->put_down_at()));
      cell(clock(night->has_onset_at(), night->onset_at()));
      cell(clock(night->has_rise_at(), night->rise_at()));
      cell(night->has_nwak() ? absl::StrCat(night->nwak()) : "");
      cell(minutes(night->has_longest_stretch_min(), night->longest_stretch_min()));
      cell(minutes(night->has_tst_night_min(), night->tst_night_min()));
      cell(minutes(night->has_nap_min(), night->nap_min()));
      cell(night->adherence().has_adherence_pct()
               ? absl::StrCat(std::llround(night->adherence().adherence_pct()), "%")
               : "");
    }
    absl::StrAppend(&html, "<td class=\"notes\">", NotesOf(child, day), "</td></tr>\n");
  }

  static std::string NotesOf(const Child& child, absl::CivilDay day) {
    const auto it = child.notes.find(day);
    if (it == child.notes.end()) return "";
    std::vector<std::pair<absl::Time, std::string>> notes = it->second;
    std::stable_sort(notes.begin(), notes.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    return absl::StrJoin(notes, "<br>", [](std::string* out, const auto& note) {
      absl::StrAppend(out, Escaped(note.second));
    });
  }

  // The night as a bar from noon to noon, 23 or 25 hours where the clocks change. The naps of a
  // date lie in two bars: that of the night before, and its own.
  static void AddBar(const Child& child, const v1::NightSummary* night, absl::CivilDay day,
                     absl::TimeZone zone, std::string& html) {
    const auto noon = [&zone](absl::CivilDay date) {
      return absl::FromCivil(absl::CivilHour(date) + 12, zone);
    };
    const absl::Time begin = noon(day);
    const absl::Time end = noon(day + 1);
    const auto percent = [begin, end](absl::Time time) {
      const double part = absl::FDivDuration(time - begin, end - begin);
      return std::max(0.0, std::min(1.0, part)) * 100;
    };
    for (int hour = 3; hour < 24; hour += 3) {
      absl::StrAppendFormat(&html, "<u style=\"left:%.2f%%\"></u>", hour / 24.0 * 100);
    }
    for (const Span& sleep : child.sleeps) {
      if (sleep.end <= begin || sleep.begin >= end) continue;
      const double left = percent(sleep.begin);
      absl::StrAppendFormat(&html, "<i%s style=\"left:%.2f%%;width:%.2f%%\"></i>",
                            sleep.nap ? " class=\"nap\"" : "", left, percent(sleep.end) - left);
    }
    const auto mark = [&](const google::protobuf::Timestamp& time, absl::string_view sign) {
      absl::StrAppendFormat(&html, "<b style=\"left:%.2f%%\">%s</b>", percent(FromProto(time)),
                            sign);
    };
    if (night != nullptr && night->has_put_down_at()) mark(night->put_down_at(), "▼");
    if (night != nullptr && night->has_rise_at()) mark(night->rise_at(), "▲");
  }

  const absl::string_view family_name_;
  std::map<std::string, Child> children_;
};

}  // namespace

std::string SleepDiary(absl::string_view family_name, const std::vector<v1::Record>& records) {
  return Diary(family_name, records).Html();
}

}  // namespace nightlog::cli
