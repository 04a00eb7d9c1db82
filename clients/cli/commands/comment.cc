#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/local_time.h"
#include "clients/cli/words.h"
#include "clients/cpp/tap.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::StatusOr<v1::CommentTarget> ReadTarget(Phone& phone, const FamilyId& family,
                                             const FamilyView& view, const Arguments& arguments) {
  v1::CommentTarget target;
  if (arguments.Has("night")) {
    RETURN_IF_ERROR(ParseDate(*arguments.Get("night")).status());
    ASSIGN_OR_RETURN(const NamedChild child, view.ChildCalled(arguments.Get("child")));
    target.mutable_night()->set_child_id(child.id.str());
    target.mutable_night()->set_date(*arguments.Get("night"));
    return target;
  }
  ASSIGN_OR_RETURN(const std::string about, arguments.Required("about"));
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Record record, ids.Find(about));
  if (record.has_log_entry()) {
    target.set_log_entry_id(record.record_id());
  } else if (record.has_plan()) {
    target.set_plan_id(record.record_id());
  } else {
    return absl::InvalidArgumentError("comments are about a night, an entry or a plan");
  }
  return target;
}

absl::Status Show(Phone& phone, const FamilyView& view, const v1::Comment& thread) {
  if (phone.options().json) {
    std::cout << ToJson(thread) << "\n";
    return absl::OkStatus();
  }
  for (const v1::CommentPost& post : thread.posts()) {
    const std::string author = post.member_id().empty() ? view.own_member_id() : post.member_id();
    std::cout << view.MemberName(author);
    if (post.has_posted_at()) {
      std::cout << ", " << DateAndTime(FromProto(post.posted_at()), absl::LocalTimeZone());
    }
    std::cout << ": " << post.text() << "\n";
  }
  if (thread.posts().empty()) std::cout << "no comments\n";
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() > 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  v1::Comment comment;
  ASSIGN_OR_RETURN(*comment.mutable_target(), ReadTarget(phone, family, view, arguments));
  // One thread a target, whoever begins it.
  const RecordId id = RecordIdOf("comment", SerializeDeterministic(comment.target()));
  ASSIGN_OR_RETURN(const absl::optional<ShownRecord> known, phone.replica().Get(family, id));
  if (arguments.words().empty()) {
    return Show(phone, view, known.has_value() ? known->record.comment() : comment);
  }
  if (known.has_value()) comment.clear_target();
  comment.add_posts()->set_text(arguments.words()[0]);
  return phone.Save(family, {Tap().Set(id, comment)}, "commented", {id});
}

}  // namespace

const Command kCommentCommand = {
    "comment",
    "--night DATE [TEXT]\n--about ID [TEXT]",
    "comment on a night, an entry or a plan; without TEXT: read the comments",
    {{"night", "DATE", "the evening of the night"},
     {"child", "NAME", "which child, where there are several"},
     {"about", "ID", "an entry or a plan"}},
    Run};

}  // namespace nightlog::cli
