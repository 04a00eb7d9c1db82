#include <algorithm>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/local_time.h"
#include "clients/cli/words.h"
#include "clients/cpp/tap.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// Numbers with commas between.
template <typename Number>
absl::Status AddNumbers(absl::string_view text, google::protobuf::RepeatedField<Number>& numbers) {
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    double number;
    if (!absl::SimpleAtod(part, &number) || number < 0 || number > 1000 ||
        number != static_cast<Number>(number)) {
      return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not a list such as 1,2,3"));
    }
    numbers.Add(static_cast<Number>(number));
  }
  return absl::OkStatus();
}

// `1-3:chair_at_cot:0,1,2`: nights, position, allowed levels (which may be left out).
absl::StatusOr<v1::PlanStep> ReadStep(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  const std::vector<std::string> nights = absl::StrSplit(parts[0], '-');
  int from = 0;
  int to = 0;
  if (parts.size() < 2 || parts.size() > 3 || nights.size() != 2 ||
      !absl::SimpleAtoi(nights[0], &from) || !absl::SimpleAtoi(nights[1], &to)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a step such as 1-3:chair_at_cot:0,1,2"));
  }
  v1::PlanStep step;
  step.set_from_night(from);
  step.set_to_night(to);
  ASSIGN_OR_RETURN(const v1::Position position, ParseWord<v1::Position>(parts[1]));
  step.set_position(position);
  if (parts.size() == 3) RETURN_IF_ERROR(AddNumbers(parts[2], *step.mutable_allowed_levels()));
  return step;
}

absl::StatusOr<v1::Plan> ReadPlan(const Arguments& arguments, const NamedChild& child) {
  v1::Plan plan;
  plan.set_child_id(child.id.str());
  v1::PlanApproach& approach = *plan.mutable_approach();
  ASSIGN_OR_RETURN(const std::string method_word, arguments.Required("method"));
  ASSIGN_OR_RETURN(const v1::PlanMethod method, ParseWord<v1::PlanMethod>(method_word));
  approach.set_method(method);
  if (arguments.Has("levels")) {
    RETURN_IF_ERROR(AddNumbers(*arguments.Get("levels"), *approach.mutable_allowed_levels()));
  }
  for (const std::string& waits : arguments.All("waits")) {
    RETURN_IF_ERROR(AddNumbers(waits, *approach.add_waits()->mutable_wait_min()));
  }
  for (const std::string& step : arguments.All("step")) {
    ASSIGN_OR_RETURN(*approach.add_steps(), ReadStep(step));
  }
  if (arguments.Has("rungs")) {
    RETURN_IF_ERROR(AddNumbers(*arguments.Get("rungs"), *approach.mutable_rungs()));
  }
  using Setter = void (v1::PlanApproach::*)(double);
  static constexpr std::pair<absl::string_view, Setter> kNumbers[] = {
      {"max-visit-min", &v1::PlanApproach::set_max_visit_min},
      {"min-rung-min", &v1::PlanApproach::set_min_rung_min},
      {"max-rung-min", &v1::PlanApproach::set_max_rung_min},
      {"max-hold-min", &v1::PlanApproach::set_max_hold_min},
      {"cry-merge-gap-min", &v1::PlanApproach::set_cry_merge_gap_min},
  };
  for (const auto& [flag, set] : kNumbers) {
    ASSIGN_OR_RETURN(const absl::optional<double> number, arguments.Number(flag));
    if (number.has_value()) (approach.*set)(*number);
  }
  approach.set_planned_put_down(arguments.GetOr("put-down", ""));
  approach.set_planned_rise(arguments.GetOr("rise", ""));

  ASSIGN_OR_RETURN(const std::string first_night, arguments.Required("first-night"));
  RETURN_IF_ERROR(ParseDate(first_night).status());
  plan.mutable_nights()->set_first_night(first_night);
  if (arguments.Has("last-night")) {
    RETURN_IF_ERROR(ParseDate(*arguments.Get("last-night")).status());
    plan.mutable_nights()->set_last_night(*arguments.Get("last-night"));
  }
  if (arguments.Has("text")) plan.set_text(*arguments.Get("text"));
  return plan;
}

std::string PlanInWords(const v1::Plan& plan, absl::string_view id) {
  return absl::StrCat(
      id, "  from ", plan.nights().first_night(),
      plan.nights().last_night().empty() ? "" : absl::StrCat(" to ", plan.nights().last_night()),
      ": ", Word(plan.approach().method()), plan.text().empty() ? "" : "; ", plan.text());
}

absl::Status Show(Phone& phone, const FamilyId& family, const std::string& prefix) {
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Record record, ids.Find(prefix));
  if (!record.has_plan()) return absl::NotFoundError("this is not the id of a plan");
  if (phone.options().json) {
    std::cout << ToJson(record) << "\n";
    return absl::OkStatus();
  }
  std::cout << PlanInWords(record.plan(), ids.Short(record.record_id())) << "\n"
            << ToJson(record.plan().approach()) << "\n";
  return absl::OkStatus();
}

absl::Status List(Phone& phone, const FamilyId& family, const FamilyView& view) {
  ASSIGN_OR_RETURN(std::vector<ShownRecord> plans, phone.replica().List(family, kPlan));
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  std::sort(plans.begin(), plans.end(), [](const ShownRecord& a, const ShownRecord& b) {
    return a.record.plan().nights().first_night() < b.record.plan().nights().first_night();
  });
  std::vector<std::string> items;
  for (const ShownRecord& shown : plans) {
    if (shown.record.deleted()) continue;
    items.push_back(ToJson(shown.record));
    if (phone.options().json) continue;
    const auto child = view.ChildWithId(shown.record.plan().child_id());
    if (child.has_value()) std::cout << child->child.name() << "  ";
    std::cout << PlanInWords(shown.record.plan(), ids.Short(shown.record.record_id())) << "\n";
  }
  if (phone.options().json) {
    std::cout << JsonObject().AddJson("plans", JsonList(items)).str() << "\n";
  } else if (items.empty()) {
    std::cout << "no plan yet\n";
  }
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  if (words.empty() || (words.size() == 1 && words[0] == "list")) return List(phone, family, view);
  if (words.size() == 2 && words[0] == "show") return Show(phone, family, words[1]);
  if (words.size() != 1 || words[0] != "set") return WrongWords();
  ASSIGN_OR_RETURN(const NamedChild child, view.ChildCalled(arguments.Get("child")));
  ASSIGN_OR_RETURN(const v1::Plan plan, ReadPlan(arguments, child));
  const RecordId id = MakeRecordId(phone.Now(), phone.random());
  return phone.Save(family, {Tap().Set(id, plan)},
                    absl::StrCat("plan ", PlanInWords(plan, id.hex())), {id});
}

}  // namespace

const Command kPlanCommand = {
    "plan",
    "set --method METHOD --first-night DATE\nlist\nshow PLAN",
    "what the family and the consultant agreed to do; a new plan follows the one before",
    {{"method", "WORD", "such as graduated_extinction, chair, ladder or bedtime_fading"},
     {"first-night", "DATE", "the first night it is for"},
     {"last-night", "DATE", "the last; default until the next plan"},
     {"child", "NAME", "which child, where there are several"},
     {"text", "TEXT", "what to say about it"},
     {"levels", "0,1,..", "response levels it allows"},
     {"waits", "MIN,MIN,..", "waits before the checks of a night; repeat for the next nights"},
     {"max-visit-min", "MIN", "longest visit"},
     {"step", "N-M:POS:0,1", "nights, position and levels of a step; may be repeated"},
     {"rungs", "0,1,..", "ladder: rungs from least to most help"},
     {"min-rung-min", "MIN", "ladder: shortest stay on a rung"},
     {"max-rung-min", "MIN", "ladder: longest stay on a rung"},
     {"max-hold-min", "MIN", "pick up, put down: longest hold"},
     {"put-down", "HH:MM", "bedtime fading: planned put-down"},
     {"rise", "HH:MM", "bedtime fading: planned rise"},
     {"cry-merge-gap-min", "MIN", "a longer pause ends a crying"}},
    Run};

}  // namespace nightlog::cli
