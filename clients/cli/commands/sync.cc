#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/json.h"
#include "storage/core/hash.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// Over all confirmed records on this phone, as Bookmark.state_hash is defined.
absl::StatusOr<StateHash> HashHere(const Replica& replica, const FamilyId& family) {
  StateHash hash;
  for (const uint32_t kind :
       {kChild, kLogEntry, kPlan, kComment, kMember, kNightSummary, kProgress}) {
    ASSIGN_OR_RETURN(const std::vector<ShownRecord> records, replica.List(family, kind));
    for (const ShownRecord& shown : records) hash.Add(shown.record.digest());
  }
  return hash;
}

// The server's own word at the cursor this phone has.
absl::StatusOr<v1::Bookmark> AskServer(Phone& phone, const FamilyId& family) {
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  ASSIGN_OR_RETURN(v1::FollowRequest request, phone.replica().NextFollow(family));
  request.set_until_head(true);
  const auto stream = connection->Follow(request, CallDeadline());
  v1::Bookmark bookmark;
  v1::FollowResponse response;
  while (stream->Read(response)) {
    if (response.has_bookmark()) bookmark = response.bookmark();
  }
  RETURN_IF_ERROR(stream->Finish());
  return bookmark;
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyState before, phone.replica().FamilyStateOf(family));
  RETURN_IF_ERROR(phone.Sync(family, absl::Minutes(5)));
  ASSIGN_OR_RETURN(const FamilyState after, phone.replica().FamilyStateOf(family));
  if (!phone.options().json) {
    std::cout << "synced: " << before.pending << (before.pending == 1 ? " tap" : " taps")
              << " sent, from revision " << before.cursor.revision() << " to "
              << after.cursor.revision() << "\n";
    if (after.needs_attention > 0) {
      std::cout << "the server did not take " << after.needs_attention
                << ": see 'nightlog needs-attention'\n";
    }
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const StateHash here, HashHere(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Bookmark there, AskServer(phone, family));
  std::cout << JsonObject()
                   .Add("family_id", family.hex())
                   .Add("lineage", absl::BytesToHexString(after.cursor.lineage()))
                   .Add("revision", after.cursor.revision())
                   .Add("state_hash", absl::BytesToHexString(here.bytes()))
                   .Add("server_revision", there.cursor().revision())
                   .Add("server_state_hash", absl::BytesToHexString(there.state_hash()))
                   .Add("sent", before.pending)
                   .Add("pending", after.pending)
                   .Add("needs_attention", after.needs_attention)
                   .Add("resyncs", after.resyncs)
                   .str()
            << "\n";
  return absl::OkStatus();
}

}  // namespace

const Command kSyncCommand = {
    "sync", "", "send what was saved here, and fetch what is new", {}, Run};

}  // namespace nightlog::cli
