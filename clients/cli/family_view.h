#ifndef NIGHTLOG_CLIENTS_CLI_FAMILY_VIEW_H_
#define NIGHTLOG_CLIENTS_CLI_FAMILY_VIEW_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "clients/cpp/replica.h"
#include "nightlog/v1/records.pb.h"
#include "storage/core/ids.h"

namespace nightlog::cli {

// A child, and where it lives.
struct NamedChild {
  RecordId id;
  v1::Child child;
  absl::TimeZone zone;  // UTC if the home zone is not known here
};

// The people of a family as this phone shows them, to put names to ids and ids to names. A
// snapshot.
class FamilyView {
 public:
  static absl::StatusOr<FamilyView> Load(const Replica& replica, const FamilyId& family);

  const std::vector<NamedChild>& children() const { return children_; }
  const std::map<std::string, v1::Member>& members() const { return members_; }
  // The member that this phone belongs to.
  const std::string& own_member_id() const { return own_member_id_; }
  // False: the consent is for figures, plans and comments only.
  bool SharesEntries() const;

  // `somebody` for an id that is not known.
  std::string MemberName(absl::string_view member_id) const;
  // Who logged the entry, or was with the child.
  std::string CaregiverOf(const v1::Record& record) const;

  // The child of that name, or whose id begins so; the only one where none is named. NOT_FOUND,
  // INVALID_ARGUMENT, with a sentence for the person.
  absl::StatusOr<NamedChild> ChildCalled(const absl::optional<std::string>& name) const;
  // The child with this id, which may be unknown.
  absl::optional<NamedChild> ChildWithId(absl::string_view id) const;
  // The id of the member of that name, or whose id begins so. NOT_FOUND, INVALID_ARGUMENT likewise.
  absl::StatusOr<std::string> MemberCalled(absl::string_view name) const;

 private:
  std::vector<NamedChild> children_;
  std::map<std::string, v1::Member> members_;
  std::string own_member_id_;
};

// The short forms of the ids of a family's records: the first hex digits, as many as tell each from
// all others. A snapshot.
class ShortIds {
 public:
  static absl::StatusOr<ShortIds> Load(const Replica& replica, const FamilyId& family);

  std::string Short(absl::string_view id) const;

  // The record whose id begins with these hex digits, as it is shown. NOT_FOUND, INVALID_ARGUMENT
  // (several begin so), with a sentence for the person.
  absl::StatusOr<v1::Record> Find(absl::string_view prefix) const;

 private:
  std::map<std::string, v1::Record> records_;  // by hex id
};

// The entries of a child that begin in [begin, end) and are not deleted, by their begins.
absl::StatusOr<std::vector<ShownRecord>> EntriesBetween(const Replica& replica,
                                                        const FamilyId& family,
                                                        const RecordId& child, absl::Time begin,
                                                        absl::Time end);

// The summaries of a child's nights, oldest first.
absl::StatusOr<std::vector<v1::NightSummary>> NightsOf(const Replica& replica,
                                                       const FamilyId& family,
                                                       const RecordId& child);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_FAMILY_VIEW_H_
