// Who may do what, walked in full on the real server, through both of its doors.

#include <grpcpp/create_channel.h>
#include <grpcpp/impl/codegen/sync_stream.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "services/access.h"
#include "services/executor.h"
#include "services/grpc_door.h"
#include "services/methods.h"
#include "services/server.h"
#include "services/web_gateway.h"
#include "storage/core/record_state.h"
#include "storage/keys.h"
#include "tests/services/browser.h"
#include "tests/services/grpc_error.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

// The columns of the table.
enum Caller {
  kOwner,
  kCaregiver,
  kViewer,
  kNights,   // a consultant who may see nights
  kEntries,  // one who may see entries, too
  kEnded,    // one whose consent ended
  kRemoved,  // a caregiver who was removed
  kRevoked,  // a caregiver's lost phone
  kStranger,
  kNobody,  // no token
};
constexpr std::array<const char*, 10> kCallers = {"owner",    "caregiver", "viewer",  "nights",
                                                  "entries",  "ended",     "removed", "revoked",
                                                  "stranger", "nobody"};

// What a cell says.
//   +  it is done, or told
//   .  it is answered, and what is asked for is not in the answer, or said not to be there
//   r  ROLE_NOT_ALLOWED    a  NO_ACCESS    u  UNKNOWN_DEVICE
//   j  the transaction is rejected         q  it goes to quarantine
struct Row {
  const char* method;
  const char* what;
  std::vector<uint32_t> kinds;  // of records; empty: it is not about any
  const char* cells;
};

const std::vector<uint32_t> kEdited = {kChild, kLogEntry, kPlan, kComment};
const std::vector<uint32_t> kDerived = {kMember, kNightSummary, kProgress};
const std::vector<uint32_t> kNoEntries = {kChild,  kPlan,         kComment,
                                          kMember, kNightSummary, kProgress};

const Row kTable[] = {
    // Columns: owner caregiver viewer, nights entries, ended removed revoked, stranger nobody.
    {"SyncService/Push", "write", {kChild, kLogEntry}, "++r jj qqq au"},
    {"SyncService/Push", "write", {kPlan, kComment}, "++r ++ qqq au"},
    {"SyncService/Push", "delete", {kChild, kLogEntry}, "++r jj qqq au"},
    {"SyncService/Push", "delete", {kPlan, kComment}, "++r ++ qqq au"},
    {"SyncService/Push", "delete", kDerived, "jjr jj qqq au"},
    {"SyncService/Follow", "", kNoEntries, "+++ ++ aaa au"},
    {"SyncService/Follow", "", {kLogEntry}, "+++ .+ aaa au"},
    {"SyncService/Acknowledge", "", {}, "+++ ++ aaa au"},
    {"SyncService/ListHistory", "", kNoEntries, "+++ ++ aaa au"},
    {"SyncService/ListHistory", "", {kLogEntry}, "+++ .+ aaa au"},
    {"ProgressService/Watch", "", kNoEntries, "+++ ++ aaa au"},
    {"ProgressService/Watch", "", {kLogEntry}, "... .. aaa au"},
    {"ProgressService/GetProgress", "", {}, "+++ ++ aaa au"},
    {"ProgressService/ListNights", "", {}, "+++ ++ aaa au"},
    {"FamilyService/CreateFamily", "", {}, "+++ ++ +++ ++"},
    {"FamilyService/Join", "with an invite", {}, "+++ ++ +++ ++"},
    {"FamilyService/Join", "with a guess", {}, "... .. ... .."},
    {"FamilyService/CreateInvite", "own", {}, "+++ ++ aaa au"},
    {"FamilyService/CreateInvite", "other", {}, "+rr rr aaa au"},
    {"FamilyService/CreateInvite", "new", {}, "+rr rr aaa au"},
    {"FamilyService/ListFamilies", "", {}, "+++ ++ ... .u"},
    {"FamilyService/ListMembers", "", {}, "+++ ++ aaa au"},
    {"FamilyService/RevokeDevice", "own", {}, "+++ ++ aaa au"},
    {"FamilyService/RevokeDevice", "other", {}, "+rr rr aaa au"},
    {"FamilyService/RemoveMember", "own", {}, "+++ ++ aaa au"},
    {"FamilyService/RemoveMember", "other", {}, "+rr rr aaa au"},
    {"FamilyService/SetConsent", "", {}, "+rr rr aaa au"},
    {"FamilyService/RenewReplica", "", {}, "+++ ++ aaa au"},
    {"FamilyService/RotateToken", "", {}, "+++ ++ aaa au"},
    {"FamilyService/ListQuarantine", "", kEdited, "+rr rr aaa au"},
    {"FamilyService/DecideQuarantine", "", {}, "+rr rr aaa au"},
    {"FamilyService/ListEvents", "", {}, "++r rr aaa au"},
    {"FamilyService/ExportFamily", "", kNoEntries, "++r rr aaa au"},
    {"FamilyService/ExportFamily", "", {kLogEntry}, "++r rr aaa au"},
    {"FamilyService/ImportRecords", "", {}, "+rr rr aaa au"},
    {"FamilyService/EraseFamily", "", {}, "+rr rr aaa au"},
    {"ImportService/ReadLog", "", {}, "++r rr aaa au"},
    {"ImportService/UploadLog", "", {}, "++r rr aaa au"},
};

// One cell.
struct Cell {
  const Row* row;
  uint32_t kind;  // 0: about none
  Caller caller;
  char expected;

  absl::string_view method() const { return row->method; }
  absl::string_view what() const { return row->what; }
};

std::vector<Cell> Cells() {
  std::vector<Cell> cells;
  for (const Row& row : kTable) {
    std::string letters = row.cells;
    letters.erase(std::remove(letters.begin(), letters.end(), ' '), letters.end());
    EXPECT_EQ(letters.size(), kCallers.size()) << row.method;
    for (const uint32_t kind : row.kinds.empty() ? std::vector<uint32_t>{0} : row.kinds) {
      for (size_t i = 0; i < letters.size(); ++i) {
        cells.push_back({&row, kind, static_cast<Caller>(i), letters[i]});
      }
    }
  }
  return cells;
}

// True if a message of type `inner` can be in one of type `outer`.
bool Holds(const google::protobuf::Descriptor* outer, const google::protobuf::Descriptor* inner) {
  if (outer == inner) return true;
  for (int i = 0; i < outer->field_count(); ++i) {
    const auto* field = outer->field(i)->message_type();
    if (field != nullptr && Holds(field, inner)) return true;
  }
  return false;
}

struct Actor {
  Phone phone;
  TransactionBuilder transactions{ReplicaId()};
};

// A family with one caller for each column, and a record of each kind.
struct Cast {
  std::map<Caller, Actor> actors;
  Phone other;  // a second owner
  std::map<uint32_t, RecordId> records;

  const Phone& phone(Caller caller) { return actors[caller].phone; }
  const std::string& family() { return phone(kOwner).pairing.family_id(); }
};

// True at the message after which a call is left.
using Until = std::function<bool(const std::string& message)>;

struct Reply {
  absl::Status status;
  std::vector<std::string> messages;
};

// A real server with both doors, for a few cells: its store in memory is for small ones.
class Stage final : public ServiceFixture {
 public:
  Stage() {
    Options options;
    options.listen = "127.0.0.1:0";
    options.web_listen = "127.0.0.1:0";
    auto server = Server::Start(options, door_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto web = WebGateway::Start(options, methods_, executor_, CheckToken());
    EXPECT_TRUE(web.ok()) << web.status();
    web_ = *std::move(web);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
  }

  ~Stage() override {
    web_->StartDrain();
    server_->Drain(absl::InfiniteDuration());
    web_->AwaitDrained(absl::InfiniteDuration());
  }

  const Methods& methods() const { return methods_; }

  // For gRPC's client a method with one answer is a stream of one message.
  Reply CallGrpc(const std::string& path, const std::string& token, const std::string& request,
                 const Until& until) {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    const grpc::Slice slice(request);
    const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> stream(
        grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(
            channel_.get(),
            grpc::internal::RpcMethod(path.c_str(), grpc::internal::RpcMethod::SERVER_STREAMING,
                                      channel_),
            &context, grpc::ByteBuffer(&slice, 1)));
    Reply reply;
    grpc::ByteBuffer buffer;
    while (stream->Read(&buffer)) {
      grpc::Slice message;
      EXPECT_TRUE(buffer.DumpToSingleSlice(&message).ok());
      reply.messages.emplace_back(reinterpret_cast<const char*>(message.begin()), message.size());
      if (!until(reply.messages.back())) continue;
      context.TryCancel();
      stream->Finish();
      return reply;
    }
    reply.status = FromGrpcStatus(stream->Finish());
    return reply;
  }

  Reply CallWeb(const std::string& path, const std::string& token, const std::string& request,
                const Until& until) {
    Browser browser(web_->url());
    browser.SendCall(path, token, request);
    EXPECT_EQ(browser.ReadHead().status, 200);
    Reply reply;
    std::string message;
    while (browser.ReadMessage(message, &reply.status)) {
      reply.messages.push_back(message);
      if (until(message)) break;
    }
    return reply;
  }

  Cast MakeCast() {
    Cast cast;
    const Phone owner = CreateFamily();
    const auto add = [&](Caller caller, const Phone& phone) {
      cast.actors[caller] = {phone, TransactionBuilder(ReplicaId(phone.pairing.replica_id()))};
    };
    const auto consultant = [&](v1::ConsentScope scope, absl::Duration consent) {
      v1::CreateInviteRequest invite = InviteRequest(owner, v1::ROLE_CONSULTANT);
      invite.set_consent_scope(scope);
      *invite.mutable_consent_until() = ToProto(clock_.Now() + consent);
      return Join(owner, invite);
    };
    add(kOwner, owner);
    cast.other = Join(owner, v1::ROLE_OWNER);
    add(kCaregiver, Join(owner, v1::ROLE_CAREGIVER));
    add(kViewer, Join(owner, v1::ROLE_VIEWER));
    add(kNights, consultant(v1::CONSENT_SCOPE_NIGHTS, absl::Hours(1)));
    add(kEntries, consultant(v1::CONSENT_SCOPE_ENTRIES, absl::Hours(1)));
    add(kEnded, consultant(v1::CONSENT_SCOPE_ENTRIES, absl::Minutes(1)));
    add(kRemoved, Join(owner, v1::ROLE_CAREGIVER));
    add(kRevoked, Join(owner, v1::ROLE_CAREGIVER));
    add(kStranger, CreateFamily());
    // Has been heard of, and has no token.
    add(kNobody, cast.phone(kRevoked));
    cast.actors[kNobody].phone.token.clear();

    for (const uint32_t kind : {kChild, kPlan, kLogEntry, kComment}) {
      PushFrom(cast, kOwner, kind, {});
    }
    const auto view = engine_.Snapshot();
    const FamilyReader reader(*view, owner.family());
    EXPECT_TRUE(reader
                    .ScanFeed(FamilyStart(owner.family()),
                              [&](absl::string_view, const RecordId& id) {
                                cast.records[(*reader.Record(id))->kind()] = id;
                                return true;
                              })
                    .ok());

    clock_.Advance(absl::Minutes(2));
    v1::RemoveMemberRequest remove;
    remove.set_family_id(cast.family());
    remove.set_member_id(cast.phone(kRemoved).pairing.member_id());
    EXPECT_TRUE(Call(&FamilyService::RemoveMember, owner, remove).ok());
    v1::RevokeDeviceRequest revoke;
    revoke.set_family_id(cast.family());
    revoke.set_device_id(cast.phone(kRevoked).pairing.device_id());
    EXPECT_TRUE(Call(&FamilyService::RevokeDevice, owner, revoke).ok());
    // Each waits for an owner.
    for (const uint32_t kind : kEdited) PushFrom(cast, kRemoved, kind, cast.records);
    return cast;
  }

  // The edits that make a record of the kind.
  std::vector<v1::Edit> EditsOfKind(uint32_t kind, const std::map<uint32_t, RecordId>& records) {
    const RecordId id =
        kind == kChild && records.empty() ? child_ : MakeRecordId(clock_.Now(), random_);
    v1::Child child;
    child.set_name("Robin");
    child.set_home_zone("Europe/London");
    v1::LogEntry entry;
    entry.set_child_id(child_.str());
    entry.mutable_detail()->mutable_sleep();
    *entry.mutable_interval()->mutable_began_at() = ToProto(clock_.Now() - absl::Hours(2));
    entry.mutable_interval()->set_zone("Europe/London");
    v1::Plan plan;
    plan.set_child_id(child_.str());
    plan.mutable_approach()->set_method(v1::PLAN_METHOD_CHAIR);
    plan.mutable_nights()->set_first_night("2023-11-01");
    v1::Comment comment;
    comment.mutable_target()->set_log_entry_id(child_.str());
    comment.add_posts()->set_text("well done");
    switch (kind) {
      case kChild:
        return EditsOf(id, child);
      case kLogEntry:
        return EditsOf(id, entry);
      case kPlan:
        return EditsOf(id, plan);
      case kComment:
        return EditsOf(id, comment);
      default:
        ADD_FAILURE() << "nobody edits kind " << kind;
        return {};
    }
  }

  v1::PushRequest PushRequestOf(Cast& cast, Caller caller, std::vector<v1::Edit> edits) {
    Actor& actor = cast.actors[caller];
    v1::PushRequest request;
    request.set_family_id(cast.family());
    request.set_replica_id(actor.phone.pairing.replica_id());
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    *request.add_transactions() = actor.transactions.Make(std::move(edits), clock_.Now());
    return request;
  }

  void PushFrom(Cast& cast, Caller caller, uint32_t kind,
                const std::map<uint32_t, RecordId>& records) {
    const auto response = Await(sync_service_, &SyncService::Push, cast.phone(caller).token,
                                PushRequestOf(cast, caller, EditsOfKind(kind, records)));
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_FALSE(response->verdicts(0).has_rejected()) << response->ShortDebugString();
  }

  std::string RequestFor(const Cell& cell, Cast& cast);
  static char OutcomeOf(const Cell& cell, Cast& cast, const Reply& reply);

 private:
  void TestBody() override {}

  Executor executor_{2, 1000};
  const Methods methods_ =
      MakeMethods(sync_service_, progress_service_, family_service_, import_service_, executor_);
  GrpcDoor door_{methods_, executor_};
  std::unique_ptr<Server> server_;
  std::unique_ptr<WebGateway> web_;
  std::shared_ptr<grpc::Channel> channel_;
};

std::string Stage::RequestFor(const Cell& cell, Cast& cast) {
  const Phone& caller = cast.phone(cell.caller);
  const bool own = cell.what() == "own";
  const auto with_family = [&](auto request) {
    request.set_family_id(cast.family());
    return request;
  };
  if (cell.method() == "SyncService/Push") {
    std::vector<v1::Edit> edits;
    if (cell.what() == "delete") {
      edits = {ExistenceEdit(cast.records.at(cell.kind), true, {})};
    } else {
      edits = EditsOfKind(cell.kind, cast.records);
    }
    return PushRequestOf(cast, cell.caller, std::move(edits)).SerializeAsString();
  }
  if (cell.method() == "SyncService/Follow") {
    auto request = with_family(v1::FollowRequest());
    request.set_until_head(true);
    return request.SerializeAsString();
  }
  if (cell.method() == "SyncService/Acknowledge") {
    auto request = with_family(v1::AcknowledgeRequest());
    request.mutable_cursor()->set_revision(1);
    request.mutable_cursor()->set_lineage(std::string(16, 'l'));
    return request.SerializeAsString();
  }
  if (cell.method() == "SyncService/ListHistory") {
    auto request = with_family(v1::ListHistoryRequest());
    request.set_record_id(cast.records.at(cell.kind).str());
    return request.SerializeAsString();
  }
  if (cell.method() == "ProgressService/Watch") {
    v1::WatchRequest request;
    request.add_known()->set_family_id(cast.family());
    return request.SerializeAsString();
  }
  if (cell.method() == "ProgressService/GetProgress") {
    auto request = with_family(v1::GetProgressRequest());
    request.set_child_id(child_.str());
    return request.SerializeAsString();
  }
  if (cell.method() == "ProgressService/ListNights") {
    auto request = with_family(v1::ListNightsRequest());
    request.set_child_id(child_.str());
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/CreateFamily") {
    v1::CreateFamilyRequest request;
    request.set_family_name("the wrens");
    request.set_member_name("Dana");
    request.set_device_name("phone");
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/Join") {
    v1::JoinRequest request;
    request.set_code(
        cell.what() == "with a guess"
            ? "K7QF-2M9X-RD4T-B8HW"
            : *Invite(cast.phone(kOwner), InviteRequest(cast.phone(kOwner), v1::ROLE_VIEWER)));
    request.set_member_name("Dana");
    request.set_device_name("phone");
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/CreateInvite") {
    auto request = with_family(v1::CreateInviteRequest());
    if (cell.what() == "new") {
      request.set_role(v1::ROLE_VIEWER);
    } else {
      request.set_member_id(own ? caller.pairing.member_id() : cast.other.pairing.member_id());
    }
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/RevokeDevice") {
    auto request = with_family(v1::RevokeDeviceRequest());
    request.set_device_id(own ? caller.pairing.device_id() : cast.other.pairing.device_id());
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/RemoveMember") {
    auto request = with_family(v1::RemoveMemberRequest());
    request.set_member_id(own ? caller.pairing.member_id() : cast.other.pairing.member_id());
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/SetConsent") {
    auto request = with_family(v1::SetConsentRequest());
    request.set_member_id(cast.phone(kNights).pairing.member_id());
    request.set_scope(v1::CONSENT_SCOPE_ENTRIES);
    *request.mutable_until() = ToProto(clock_.Now() + absl::Hours(1));
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/DecideQuarantine") {
    auto request = with_family(v1::DecideQuarantineRequest());
    request.set_replica_id(cast.phone(kRemoved).pairing.replica_id());
    request.set_seq(1);
    request.set_decision(v1::QUARANTINE_DECISION_ACCEPT);
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/RotateToken") {
    auto request = with_family(v1::RotateTokenRequest());
    request.set_new_token_hash(SecretHash(random_.Bytes(32)));
    return request.SerializeAsString();
  }
  if (cell.method() == "FamilyService/EraseFamily") {
    auto request = with_family(v1::EraseFamilyRequest());
    request.set_family_name(cast.phone(kOwner).pairing.family_name());
    return request.SerializeAsString();
  }
  if (cell.method() == "ImportService/ReadLog") {
    auto request = with_family(v1::ReadLogRequest());
    request.set_child_id(child_.str());
    request.set_file("start,end\n");
    request.set_zone("Europe/London");
    request.set_format("csv");
    return request.SerializeAsString();
  }
  if (cell.method() == "ImportService/UploadLog") {
    auto request = with_family(v1::UploadLogRequest());
    request.set_upload_id(random_.Bytes(16));
    request.set_file_bytes(2);
    request.set_part("1");
    return request.SerializeAsString();
  }
  // The others say no more than the family, if that.
  return with_family(v1::ListMembersRequest()).SerializeAsString();
}

char Stage::OutcomeOf(const Cell& cell, Cast& cast, const Reply& reply) {
  switch (ReasonOf(reply.status)) {
    case v1::ERROR_REASON_UNSPECIFIED:
      if (!reply.status.ok()) return '?';
      break;
    case v1::ERROR_REASON_ROLE_NOT_ALLOWED:
      return 'r';
    case v1::ERROR_REASON_NO_ACCESS:
      return 'a';
    case v1::ERROR_REASON_UNKNOWN_DEVICE:
      return 'u';
    case v1::ERROR_REASON_NOT_FOUND:
    case v1::ERROR_REASON_INVITE_NOT_VALID:
      return '.';
    default:
      return '?';
  }
  char outcome = '.';
  const auto look_at = [&](const auto& records) {
    for (const v1::Record& record : records) {
      if (static_cast<uint32_t>(record.body_case()) == cell.kind) outcome = '+';
    }
  };
  for (const std::string& message : reply.messages) {
    v1::PushResponse push;
    v1::FollowResponse follow;
    v1::WatchResponse watch;
    v1::ExportFamilyResponse exported;
    v1::ListFamiliesResponse families;
    v1::ListQuarantineResponse quarantine;
    if (cell.method() == "SyncService/Push") {
      if (!push.ParseFromString(message) || push.verdicts_size() != 1) return '?';
      const v1::Verdict& verdict = push.verdicts(0);
      outcome = verdict.has_committed() ? '+' : verdict.has_rejected() ? 'j' : '?';
      if (verdict.has_quarantined()) outcome = 'q';
    } else if (cell.method() == "SyncService/Follow" && follow.ParseFromString(message)) {
      look_at(follow.records());
    } else if (cell.method() == "ProgressService/Watch" && watch.ParseFromString(message)) {
      if (watch.family_id() != cast.family()) continue;
      if (watch.has_left()) return 'a';
      look_at(watch.records());
    } else if (cell.method() == "FamilyService/ExportFamily" && exported.ParseFromString(message)) {
      look_at(exported.records());
    } else if (cell.method() == "FamilyService/ListFamilies" && families.ParseFromString(message)) {
      for (const v1::Pairing& pairing : families.pairings()) {
        if (pairing.family_id() == cast.family()) outcome = '+';
      }
    } else if (cell.method() == "FamilyService/ListQuarantine" &&
               quarantine.ParseFromString(message)) {
      for (const v1::QuarantinedItem& item : quarantine.items()) {
        if (KindOf(item.transaction().edits(0)) == cell.kind) outcome = '+';
      }
    } else {
      outcome = '+';
    }
  }
  return outcome;
}

// Walks the whole table through one door.
void Walk(Reply (Stage::*call)(const std::string& path, const std::string& token,
                               const std::string& request, const Until& until)) {
  std::unique_ptr<Stage> stage;
  absl::optional<Cast> made;
  for (const Cell& cell : Cells()) {
    if (cell.caller == kOwner) {
      made.reset();
      stage = std::make_unique<Stage>();
    }
    if (!made.has_value()) made = stage->MakeCast();
    Cast& cast = *made;
    const Reply reply = (*stage.*call)(
        absl::StrCat("/nightlog.v1.", cell.method()), cast.phone(cell.caller).token,
        stage->RequestFor(cell, cast), [&](const std::string& message) {
          v1::WatchResponse watched;
          return cell.method() == "ProgressService/Watch" && watched.ParseFromString(message) &&
                 watched.family_id() == cast.family() &&
                 (watched.has_bookmark() || watched.has_left());
        });
    EXPECT_EQ(Stage::OutcomeOf(cell, cast, reply), cell.expected)
        << cell.method() << " " << cell.what() << " kind " << cell.kind << " by "
        << kCallers[cell.caller] << ": " << reply.status;
    // What one cell changed, the next must not see.
    if (reply.status.ok()) made.reset();
  }
}

TEST(AccessTableTest, TheTableHasEveryMethodAndWhereRecordsGoEveryKind) {
  std::map<std::string, std::set<uint32_t>> rows;
  for (const Row& row : kTable) rows[row.method].insert(row.kinds.begin(), row.kinds.end());

  std::set<uint32_t> all_kinds;
  const auto* body = v1::Record::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    all_kinds.insert(static_cast<uint32_t>(body->field(i)->number()));
  }
  std::set<uint32_t> edited;
  const auto* value = v1::Edit::descriptor()->FindOneofByName("value");
  for (int i = 0; i < value->field_count(); ++i) {
    if (value->field(i) != v1::Edit::descriptor()->FindFieldByName("existence")) {
      edited.insert(static_cast<uint32_t>(value->field(i)->number()));
    }
  }
  EXPECT_EQ(edited, std::set<uint32_t>(kEdited.begin(), kEdited.end()));

  // What the server serves is what the descriptors say, and the table has it all.
  std::set<std::string> served;
  const Stage stage;
  for (const auto& [path, method] : stage.methods()) {
    served.insert(path.substr(std::string("/nightlog.v1.").size()));
  }
  std::set<std::string> described;
  for (const auto* file :
       {v1::PushRequest::descriptor()->file(), v1::WatchRequest::descriptor()->file(),
        v1::CreateFamilyRequest::descriptor()->file(), v1::ReadLogRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const auto& method = *file->service(s)->method(m);
        const std::string name = absl::StrCat(file->service(s)->name(), "/", method.name());
        described.insert(name);
        ASSERT_EQ(rows.count(name), 1u) << name << " has no row";
        // An import is the owner's to the last record, so its kinds have no rows.
        if (Holds(method.output_type(), v1::Record::descriptor())) {
          EXPECT_EQ(rows[name], all_kinds) << name;
        } else if (Holds(method.output_type(), v1::Edit::descriptor()) ||
                   Holds(method.input_type(), v1::Edit::descriptor())) {
          for (const uint32_t kind : edited) EXPECT_EQ(rows[name].count(kind), 1u) << name;
        }
      }
    }
  }
  EXPECT_EQ(served, described);
  EXPECT_EQ(rows.size(), described.size());
}

TEST(AccessTableTest, EveryCellHoldsThroughGrpc) { Walk(&Stage::CallGrpc); }

TEST(AccessTableTest, EveryCellHoldsThroughTheWebGateway) { Walk(&Stage::CallWeb); }

}  // namespace
}  // namespace nightlog
