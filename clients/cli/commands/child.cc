#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/local_time.h"
#include "clients/cpp/tap.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// The groups that the flags set.
absl::StatusOr<v1::Child> ReadChild(const Arguments& arguments) {
  v1::Child child;
  if (arguments.Has("zone")) {
    ASSIGN_OR_RETURN(const absl::TimeZone zone, FindZone(*arguments.Get("zone")));
    child.set_home_zone(zone.name());
  }
  if (arguments.Has("birth")) {
    RETURN_IF_ERROR(ParseDate(*arguments.Get("birth")).status());
    child.set_birth_date(*arguments.Get("birth"));
  }
  if (arguments.Has("due")) {
    RETURN_IF_ERROR(ParseDate(*arguments.Get("due")).status());
    child.set_due_date(*arguments.Get("due"));
  }
  if (arguments.Has("window")) {
    const std::string window = *arguments.Get("window");
    const std::vector<std::string> ends = absl::StrSplit(window, '-');
    if (ends.size() != 2) {
      return absl::InvalidArgumentError("--window takes two times, such as 19:00-07:00");
    }
    child.mutable_night_window()->set_start(ends[0]);
    child.mutable_night_window()->set_end(ends[1]);
  }
  if (arguments.Has("rise")) child.set_desired_rise_time(*arguments.Get("rise"));
  return child;
}

absl::Status List(Phone& phone, const FamilyView& view) {
  std::vector<std::string> items;
  for (const NamedChild& child : view.children()) {
    if (phone.options().json) {
      items.push_back(
          JsonObject().Add("child_id", child.id.hex()).AddJson("child", ToJson(child.child)).str());
      continue;
    }
    std::cout << child.child.name() << ", " << child.child.home_zone();
    if (child.child.has_birth_date()) std::cout << ", born " << child.child.birth_date();
    if (child.child.has_night_window()) {
      std::cout << ", night " << child.child.night_window().start() << "–"
                << child.child.night_window().end();
    }
    std::cout << "\n";
  }
  if (phone.options().json)
    std::cout << JsonObject().AddJson("children", JsonList(items)).str() << "\n";
  if (view.children().empty() && !phone.options().json) std::cout << "no child yet\n";
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  if (words.empty() || (words.size() == 1 && words[0] == "list")) return List(phone, view);
  if (words.size() != 2 || (words[0] != "add" && words[0] != "set")) return WrongWords();
  ASSIGN_OR_RETURN(v1::Child child, ReadChild(arguments));
  if (words[0] == "add") {
    if (!child.has_home_zone()) {
      return absl::InvalidArgumentError("say where the family lives: --zone Europe/London");
    }
    child.set_name(words[1]);
    const RecordId id = MakeRecordId(phone.Now(), phone.random());
    return phone.Save(family, {Tap().Set(id, child)},
                      absl::StrCat("added ", words[1], " (", id.hex(), ")"), {id});
  }
  ASSIGN_OR_RETURN(const NamedChild known, view.ChildCalled(words[1]));
  if (arguments.Has("name")) child.set_name(*arguments.Get("name"));
  Tap tap;
  tap.Set(known.id, child);
  if (tap.changes().empty()) return absl::InvalidArgumentError("say what to change");
  return phone.Save(family, {tap}, absl::StrCat("changed ", known.child.name()), {known.id});
}

}  // namespace

const Command kChildCommand = {"child",
                               "add NAME --zone ZONE\nset NAME\nlist",
                               "the family's children",
                               {{"zone", "ZONE", "where the family lives, such as Europe/London"},
                                {"birth", "DATE", "birth date"},
                                {"due", "DATE", "due date of a child born early"},
                                {"window", "HH:MM-HH:MM", "the night; default 19:00-07:00"},
                                {"rise", "HH:MM", "desired rise time; default 06:00"},
                                {"name", "NAME", "set: a new name"}},
                               Run};

}  // namespace nightlog::cli
