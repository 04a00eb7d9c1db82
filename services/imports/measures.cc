#include "services/imports/measures.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace nightlog::imports {
namespace {

constexpr double kMillilitresPerOunce = 29.5735295625;

// A time as if in UTC, only for its numbers.
absl::optional<absl::CivilSecond> ParseLocal(absl::string_view format, absl::string_view text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(format, text, absl::UTCTimeZone(), &time, &error)) return absl::nullopt;
  return absl::ToCivilSecond(time, absl::UTCTimeZone());
}

// Takes `1:23` or `12` off the front of `text`.
bool ConsumeNumber(absl::string_view& text, int64_t& number) {
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
  if (digits == 0 || digits > 6 || !absl::SimpleAtoi(text.substr(0, digits), &number)) return false;
  text.remove_prefix(digits);
  return true;
}

absl::optional<absl::Duration> ParseClockLength(absl::string_view text) {
  int64_t days = 0;
  int64_t hours = 0;
  int64_t minutes = 0;
  int64_t seconds = 0;
  absl::string_view rest = text;
  int64_t number;
  if (ConsumeNumber(rest, number) &&
      (absl::ConsumePrefix(&rest, " days, ") || absl::ConsumePrefix(&rest, " day, ") ||
       absl::ConsumePrefix(&rest, " "))) {
    days = number;
    text = rest;
  }
  if (!ConsumeNumber(text, hours) || !absl::ConsumePrefix(&text, ":") ||
      !ConsumeNumber(text, minutes) || minutes > 59) {
    return absl::nullopt;
  }
  if (absl::ConsumePrefix(&text, ":") && (!ConsumeNumber(text, seconds) || seconds > 59)) {
    return absl::nullopt;
  }
  if (absl::ConsumePrefix(&text, ".")) ConsumeNumber(text, number);  // parts of a second
  if (!text.empty()) return absl::nullopt;
  return absl::Hours(24 * days + hours) + absl::Minutes(minutes) + absl::Seconds(seconds);
}

absl::optional<absl::Duration> ParseUnitLength(absl::string_view text) {
  absl::Duration length;
  bool any = false;
  for (const auto& [letter, unit] :
       {std::pair('h', absl::Hours(1)), {'m', absl::Minutes(1)}, {'s', absl::Seconds(1)}}) {
    absl::string_view rest = absl::StripAsciiWhitespace(text);
    int64_t number;
    if (!ConsumeNumber(rest, number)) continue;
    rest = absl::StripLeadingAsciiWhitespace(rest);
    if (rest.empty() || absl::ascii_tolower(rest[0]) != letter) continue;
    // The rest of the word, such as `min` and `hours`.
    while (!rest.empty() && absl::ascii_isalpha(rest[0])) rest.remove_prefix(1);
    length += number * unit;
    any = true;
    text = rest;
  }
  if (!any || !absl::StripAsciiWhitespace(text).empty()) return absl::nullopt;
  return length;
}

// Takes an English month off the front of `text`, by its name or three letters of it; 0: there is
// none.
int ConsumeMonth(absl::string_view& text) {
  static constexpr absl::string_view kMonths[] = {"january",   "february", "march",    "april",
                                                  "may",       "june",     "july",     "august",
                                                  "september", "october",  "november", "december"};
  const size_t letters =
      std::find_if_not(text.begin(), text.end(), absl::ascii_isalpha) - text.begin();
  const std::string word = absl::AsciiStrToLower(text.substr(0, letters));
  int number = 0;
  for (const absl::string_view month : kMonths) {
    ++number;
    if (word != month && word != month.substr(0, 3)) continue;
    text.remove_prefix(letters);
    return number;
  }
  return 0;
}

// The text with a date such as `12 Nov 2026` or `November 12, 2026` in front written as
// `2026-11-12`. A year of two digits, which might be the day, so becomes one of no time of ours.
std::string WithNumberOfMonth(absl::string_view text) {
  absl::string_view rest = text;
  const auto pass = [&rest] {
    rest.remove_prefix(std::min(rest.find_first_not_of(" -/.,"), rest.size()));
  };
  int64_t day = 0;
  int64_t year = 0;
  int month = ConsumeMonth(rest);
  pass();
  if (!ConsumeNumber(rest, day)) return std::string(text);
  pass();
  if (month == 0) month = ConsumeMonth(rest);
  pass();
  if (month == 0 || !ConsumeNumber(rest, year)) return std::string(text);
  absl::ConsumePrefix(&rest, ",");
  absl::ConsumePrefix(&rest, " at");
  return absl::StrFormat("%04d-%02d-%02d%s", year, month, day, rest);
}

// The text with a date such as `4.3.26` in front written with slashes, and `2026/3/4` with hyphens.
// The former has the day first.
std::string WithUsualDate(absl::string_view text, DateOrder& order) {
  std::string usual = WithNumberOfMonth(text);
  text = usual;
  const size_t first = text.find_first_not_of("0123456789");
  if (first == text.npos) return usual;
  const size_t second = text.find_first_not_of("0123456789", first + 1);
  if (second == text.npos || text[first] != text[second]) return usual;
  if (text[first] == '.' && first <= 2) {
    order = DateOrder::kDayFirst;
    usual[first] = usual[second] = '/';
  } else if (text[first] == '/' && first == 4) {
    usual[first] = usual[second] = '-';
  }
  return usual;
}

bool IsOfOurTime(absl::civil_year_t year) { return year >= 1970 && year < 2100; }

absl::optional<Stamp> ReadStamp(absl::string_view raw, DateOrder order) {
  // Phones put a narrow blank before AM and PM, and in some languages dots and blanks into them.
  std::string text(absl::StripAsciiWhitespace(raw));
  absl::StrReplaceAll({{"\xE2\x80\xAF", " "}, {"\xC2\xA0", " "}}, &text);
  absl::StrReplaceAll({{"a.m.", "AM"}, {"a. m.", "AM"}, {"p.m.", "PM"}, {"p. m.", "PM"}}, &text);
  text = WithUsualDate(text, order);
  absl::Time time;
  std::string error;
  for (const char* format : {"%Y-%m-%dT%H:%M:%E*S%Ez", "%Y-%m-%d %H:%M:%E*S%Ez",
                             "%Y-%m-%d %H:%M:%E*S %z", "%Y-%m-%d %H:%M%Ez", "%Y-%m-%dT%H:%M%Ez"}) {
    if (absl::ParseTime(format, text, &time, &error)) return Stamp{time, {}};
  }
  for (const char* format : {"%Y-%m-%d %H:%M:%E*S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%E*S",
                             "%Y-%m-%dT%H:%M", "%Y-%m-%d %I:%M %p", "%Y-%m-%d %I:%M:%S %p"}) {
    if (const auto local = ParseLocal(format, text)) return Stamp{absl::nullopt, *local};
  }
  int64_t epoch;
  if (absl::SimpleAtoi(text, &epoch)) {
    if (text.size() == 9 || text.size() == 10) return Stamp{absl::FromUnixSeconds(epoch), {}};
    if (text.size() == 12 || text.size() == 13) return Stamp{absl::FromUnixMillis(epoch), {}};
    return absl::nullopt;
  }
  const absl::string_view day_and_month = order == DateOrder::kMonthFirst ? "%m/%d/" : "%d/%m/";
  for (const char* year : {"%y", "%Y"}) {
    for (const char* clock : {" %I:%M %p", " %I:%M:%S %p", " %H:%M", " %H:%M:%S"}) {
      for (const char* between : {"", ","}) {
        const auto local = ParseLocal(absl::StrCat(day_and_month, year, between, clock), text);
        if (local.has_value()) return Stamp{absl::nullopt, *local};
      }
    }
  }
  return absl::nullopt;
}

}  // namespace

absl::optional<Stamp> ParseStamp(absl::string_view raw, DateOrder order) {
  const absl::optional<Stamp> stamp = ReadStamp(raw, order);
  if (!stamp.has_value()) return absl::nullopt;
  const absl::CivilSecond local = stamp->moment.has_value()
                                      ? absl::ToCivilSecond(*stamp->moment, absl::UTCTimeZone())
                                      : stamp->local;
  return IsOfOurTime(local.year()) ? stamp : absl::nullopt;
}

absl::optional<absl::CivilDay> ParseDay(absl::string_view raw, DateOrder order) {
  const std::string text = WithUsualDate(absl::StripAsciiWhitespace(raw), order);
  const bool month_first = order == DateOrder::kMonthFirst;
  for (const absl::string_view format :
       {absl::string_view("%Y-%m-%d"), absl::string_view(month_first ? "%m/%d/%y" : "%d/%m/%y"),
        absl::string_view(month_first ? "%m/%d/%Y" : "%d/%m/%Y")}) {
    const auto local = ParseLocal(format, text);
    if (local.has_value() && IsOfOurTime(local->year())) return absl::CivilDay(*local);
  }
  return absl::nullopt;
}

absl::optional<absl::Duration> ParseLength(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  const auto length = ParseClockLength(text);
  return length.has_value() ? length : ParseUnitLength(text);
}

absl::optional<double> ParseNumber(absl::string_view text) {
  std::string usual(text);
  const size_t comma = usual.find(',');
  if (comma != usual.npos) {
    if (usual.size() - comma - 1 > 2) return absl::nullopt;
    usual[comma] = '.';
  }
  double number;
  return absl::SimpleAtod(usual, &number) ? absl::make_optional(number) : absl::nullopt;
}

absl::optional<double> ParseMillilitres(absl::string_view text, absl::optional<VolumeUnit> unit) {
  text = absl::StripAsciiWhitespace(text);
  const size_t digits = std::min(text.find_first_not_of("0123456789.,"), text.size());
  const absl::optional<double> amount = ParseNumber(text.substr(0, digits));
  const absl::string_view word = absl::StripAsciiWhitespace(text.substr(digits));
  if (!word.empty()) unit = ParseVolumeUnit(word);
  if (!amount.has_value() || !unit.has_value()) return absl::nullopt;
  return *unit == VolumeUnit::kOunce ? *amount * kMillilitresPerOunce : *amount;
}

absl::optional<VolumeUnit> ParseVolumeUnit(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  absl::string_view word = lower;
  absl::ConsumePrefix(&word, "fl ");
  absl::ConsumeSuffix(&word, ".");
  if (word == "ml") return VolumeUnit::kMillilitre;
  if (word == "oz") return VolumeUnit::kOunce;
  return absl::nullopt;
}

}  // namespace nightlog::imports
